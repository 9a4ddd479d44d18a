#ifndef SSM_CODEGEN_LOWERING_SCHEDULECHOICE_H
#define SSM_CODEGEN_LOWERING_SCHEDULECHOICE_H

#include "codegen/lowering/CompileTarget.h"
#include "dialect/Ssm.h"

namespace ssm {

/// Where the user's tuning database is: `$SSMC_TUNING`, else in the user's data folder; empty where there is none.
std::string tuningFile();
/// The database of this program (models/tuned.sql).
llvm::StringRef shippedTuning();

/// Who decides what `--schedule` comes to, in the order in which they are asked.
enum class ChosenBy { Caller, UserDatabase, ShippedDatabase, Model, Rules };

struct ScheduleChoice {
  /// A schedule, or `auto` where the rules decide.
  std::string schedule;
  ChosenBy by = ChosenBy::Rules;
  /// Who decided, in words; empty for the caller and the rules, which explain themselves.
  std::string reason;
};

/// What is asked besides the cost model and the rules.
struct TuningSources {
  /// The user's database; empty for none.
  std::string file = tuningFile();
  /// SQL of the program's.
  llvm::StringRef shipped = shippedTuning();
};

/// What `--schedule` comes to for a specialized and discretized recurrence: the one path of every command and kind of
/// output. For `auto` it is the schedule that won on sizes of this class in the user's database, else in the program's,
/// as far as it is legal here and has tasks for all threads (0, where the machine is not known: for as many as the
/// rules leave tasks for); else what the cost model promises to be clearly faster than what the rules choose, where all
/// sizes are known and the model is trusted; else `auto`, so that the rules choose. Errors: a database that cannot be
/// read; what the rules refuse.
llvm::Expected<ScheduleChoice> chooseSchedule(RecurrenceOp recurrence, const CompileTarget &target, int64_t threads,
                                              const std::string &schedule, const TuningSources &sources = {});

} // namespace ssm

#endif
