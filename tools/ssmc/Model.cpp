#include "tools/ssmc/Model.h"
#include "dialect/RowPlan.h"
#include "frontend/Frontend.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "runtime/Safetensors.h"
#include "tools/ssmc/Library.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;

char Reported::ID = 0;

void ssm::printError(llvm::Error error) {
  llvm::handleAllErrors(
      std::move(error), [](const Reported &) {},
      [](const llvm::ErrorInfoBase &info) { llvm::errs() << "error: " << info.message() << "\n"; });
}

llvm::Expected<Model> Model::load(const std::string &name, const std::string &libraryFolder,
                                  const std::string &recurrence, Timing &timing) {
  auto source = timing.measure("read the description", [&] { return openModel(name, libraryFolder); });
  if (!source)
    return source.takeError();
  Model model;
  // One recurrence is too little work for threads, which would take longer to start.
  model.context = timing.measure("make a context", [] {
    auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
    // A diagnostic shows the description's line; the operation's generic form would bury it.
    context->printOpOnDiagnostic(false);
    context->loadDialect<arith::ArithDialect, complex::ComplexDialect, math::MathDialect, SsmDialect>();
    return context;
  });
  if (llvm::Error error = timing.measure("parse", [&] { return model.parse(std::move(*source)); }))
    return error;
  if (llvm::Error error = model.choose(recurrence))
    return error;
  return model;
}

llvm::Error Model::parse(std::unique_ptr<llvm::MemoryBuffer> source) {
  const bool isDialect = source->getBufferIdentifier().ends_with(".mlir");
  sources = std::make_unique<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(source), llvm::SMLoc());
  handler = std::make_unique<SourceMgrDiagnosticHandler>(*sources, context.get());
  if (isDialect)
    moduleRef = parseSourceFile<ModuleOp>(*sources, ParserConfig(context.get()));
  else
    moduleRef = parseSource(*sources, context.get());
  return moduleRef ? llvm::Error::success() : llvm::make_error<Reported>();
}

llvm::Error Model::choose(const std::string &name) {
  SmallVector<RecurrenceOp> all;
  module().walk([&](RecurrenceOp recurrence) { all.push_back(recurrence); });
  if (all.empty())
    return llvm::createStringError("the description holds no recurrence");
  std::string names;
  for (RecurrenceOp recurrence : all) {
    if (recurrence.getSymName() == name || (name.empty() && all.size() == 1))
      chosen = recurrence;
    names += (names.empty() ? "" : ", ") + recurrence.getSymName().str();
  }
  if (chosen)
    return llvm::Error::success();
  if (name.empty())
    return llvm::createStringError("the description holds several recurrences: choose one by --recurrence (" + names +
                                   ")");
  return llvm::createStringError("the description has no recurrence " + printable(name) + "; it has " + names);
}

RecurrenceOp Model::copyOfRecurrence() {
  OwningOpRef<ModuleOp> copy = ModuleOp::create(module().getLoc());
  OpBuilder builder(copy->getBodyRegion());
  auto recurrence = cast<RecurrenceOp>(builder.clone(*chosen.getOperation()));
  copies.push_back(std::move(copy));
  return recurrence;
}

bool ssm::hasDerivative(RecurrenceOp recurrence) {
  return !recurrence.getBody().front().getOps<DerivativeOp>().empty();
}

llvm::Error ssm::packRows(RecurrenceOp recurrence, const std::string &mode, const std::vector<std::string> &arrays,
                          Timing &timing) {
  const bool isStep = mode == "step";
  if (!isStep && arrays.empty())
    return llvm::Error::success();
  PassManager manager(recurrence.getContext(), RecurrenceOp::getOperationName());
  PackOptions options;
  options.arrays.assign(arrays.begin(), arrays.end());
  options.inPlace = isStep;
  manager.addPass(createPack(options));
  LogicalResult result = timing.measure("pack", [&] { return manager.run(recurrence); });
  return succeeded(result) ? llvm::Error::success() : llvm::make_error<Reported>();
}

/// Steps of packed sequences are all of them.
static llvm::Error checkOpenSizes(RecurrenceOp recurrence, const SpecializeParameters &parameters) {
  if (RowPlan(recurrence).isPacked() && parameters.dims.count(recurrence.getScan().str()))
    return llvm::createStringError("--dim " + recurrence.getScan() +
                                   ": how many steps packed sequences have together is the call's to say");
  return llvm::Error::success();
}

llvm::Error ssm::prepare(RecurrenceOp recurrence, const Preparation &preparation, Timing &timing) {
  if (!preparation.discretize.empty() && !hasDerivative(recurrence))
    return llvm::createStringError("--discretize " + preparation.discretize + ": recurrence '" +
                                   recurrence.getSymName() + "' has no derivative to discretize");
  if (llvm::Error error = checkOpenSizes(recurrence, preparation.parameters))
    return error;
  PassManager manager(recurrence.getContext(), RecurrenceOp::getOperationName());
  manager.enableVerifier();
  manager.addPass(createSpecialize(preparation.parameters));
  manager.addPass(createDiscretize(DiscretizeOptions{preparation.discretize}));
  LogicalResult result = timing.measure("specialize and discretize", [&] { return manager.run(recurrence); });
  return succeeded(result) ? llvm::Error::success() : llvm::make_error<Reported>();
}
