#ifndef SSM_TOOLS_SSMC_MODEL_H
#define SSM_TOOLS_SSMC_MODEL_H

#include "dialect/Ssm.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Specialize.h"
#include "tools/ssmc/Timing.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <string>
#include <vector>

namespace ssm {

/// What was reported has been printed already; printing this error again adds nothing.
class Reported : public llvm::ErrorInfo<Reported> {
public:
  static char ID;
  void log(llvm::raw_ostream &os) const override { os << "errors were reported"; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }
};

/// Prints what `error` holds to standard error, a line each after `error: `; what is Reported is passed over.
void printError(llvm::Error error);

/// A parsed description. Diagnostics about it show its source on standard error.
class Model {
public:
  /// Reads MODEL, a path or a name in the library (Library.h), in which `recurrence` is the one asked for; it may be
  /// empty where there is but one.
  static llvm::Expected<Model> load(const std::string &model, const std::string &libraryFolder,
                                    const std::string &recurrence, Timing &timing);

  mlir::ModuleOp module() const { return const_cast<mlir::OwningOpRef<mlir::ModuleOp> &>(moduleRef).get(); }
  /// What was read.
  llvm::StringRef text() const { return sources->getMemoryBuffer(sources->getMainFileID())->getBuffer(); }
  /// The recurrence asked for.
  RecurrenceOp recurrence() const { return chosen; }
  /// A copy of the module's recurrence, to specialize without changing this one; it lives as long as the model.
  RecurrenceOp copyOfRecurrence();

private:
  Model() = default;
  llvm::Error parse(std::unique_ptr<llvm::MemoryBuffer> source);
  llvm::Error choose(const std::string &name);

  // In this order: the module dies before its context, and that before the text which its diagnostics show.
  std::unique_ptr<llvm::SourceMgr> sources;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> moduleRef;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> copies;
  RecurrenceOp chosen;
};

/// How a description is made ready to run: sizes, options and types, and the discretization where it has derivatives
/// (empty: as it says).
struct Preparation {
  SpecializeParameters parameters;
  std::string discretize;
};

/// Gives the recurrence rows (ssm-pack), before anything else: in mode `step`, or where there are `arrays` of them,
/// each as NAME or NAME=TYPE. Does nothing else.
llvm::Error packRows(RecurrenceOp recurrence, const std::string &mode, const std::vector<std::string> &arrays,
                     Timing &timing);

/// Specializes and discretizes in place.
llvm::Error prepare(RecurrenceOp recurrence, const Preparation &preparation, Timing &timing);

/// Whether the recurrence has an `ssm.derivative`.
bool hasDerivative(RecurrenceOp recurrence);

} // namespace ssm

#endif
