#ifndef SSM_SCHEDULE_TUNINGDATABASE_H
#define SSM_SCHEDULE_TUNINGDATABASE_H

#include "schedule/TuningKey.h"

#include <memory>

struct sqlite3;

namespace ssm {

/// Where and how times were taken.
struct TuningRun {
  TuningKey key;
  /// Exact sizes, the processor or device, and the threads of a call.
  std::string sizes, machine;
  int64_t threads = 1;
};

/// A schedule and what is known of it.
struct TuningVariant {
  std::string schedule;
  double predicted = 0, registers = 0, bytes = 0;
  /// Seconds of its repetitions, in the order in which they were taken.
  std::vector<double> seconds;
};

/// A schedule that won a comparison.
struct TuningChoice {
  std::string schedule;
  /// Medians of it and of what `auto` took then, side by side, and repetitions of each.
  double median = 0, automaticMedian = 0;
  int64_t repetitions = 0;
  std::string machine;
  int64_t threads = 1;
};

/// Times and winners, in an SQLite file. Several processes may write to one: each repetition is a transaction of its
/// own, so that whatever happens to a process, only the repetition that it was timing is lost. Errors name the file.
class TuningDatabase {
public:
  /// Opens a file, and makes it where it is not there unless it is `readOnly`. Errors: no database of this program, one
  /// of a later version, a file that is damaged or cannot be written.
  static llvm::Expected<std::unique_ptr<TuningDatabase>> open(const std::string &path, bool readOnly = false);
  /// A database in memory that is made by SQL text, as `dump` writes it.
  static llvm::Expected<std::unique_ptr<TuningDatabase>> fromText(llvm::StringRef text);
  ~TuningDatabase();

  /// Adds a repetition of a variant, and the variant where it is not there.
  llvm::Error addSample(const TuningRun &run, const TuningVariant &variant, double seconds);
  /// All variants of a run with their repetitions.
  llvm::Expected<std::vector<TuningVariant>> variants(const TuningRun &run);
  /// Remembers a winner in place of an earlier one of the same run.
  llvm::Error setChoice(const TuningRun &run, const TuningChoice &choice);
  /// The winner for a key: of as many threads if there is one, else of the nearest number.
  llvm::Expected<std::optional<TuningChoice>> choice(const TuningKey &key, int64_t threads);
  /// Adds what another file has. What both have stays one.
  llvm::Error merge(const std::string &other);
  /// The winners, as SQL text.
  llvm::Expected<std::string> dump();

private:
  TuningDatabase() = default;
  friend class Query;
  llvm::Error run(const char *sql);
  llvm::Error fail(llvm::StringRef what);
  llvm::Error setUp(bool readOnly);

  std::string path, session;
  int64_t samples = 0;
  sqlite3 *handle = nullptr;
};

} // namespace ssm

#endif
