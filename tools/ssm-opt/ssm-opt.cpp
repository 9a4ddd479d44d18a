// Runs passes on a module: mlir-opt with the ssm dialect and its passes, which reads the .ssm language as well.

#include "dialect/Ssm.h"
#include "frontend/Frontend.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

#ifndef NDEBUG
/// Distributed builds of LLVM leave this option out, though all that it needs is there.
static void registerDebugOnly() {
  if (llvm::cl::getRegisteredOptions().contains("debug-only"))
    return;
  static std::vector<std::string> types;
  auto show = [](const std::string &type) {
    types.push_back(type);
    auto names = llvm::map_to_vector(types, [](const std::string &name) { return name.c_str(); });
    llvm::DebugFlag = true;
    llvm::setCurrentDebugTypes(names.data(), names.size());
  };
  static llvm::cl::list<std::string> debugOnly("debug-only", llvm::cl::CommaSeparated, llvm::cl::callback(show),
                                               llvm::cl::desc("Print what these passes log, as ssm-specialize"));
}
#endif

/// Translates .ssm text to the dialect's textual form, with the places in the text that each operation comes from.
static std::unique_ptr<llvm::MemoryBuffer> translateSource(std::unique_ptr<llvm::MemoryBuffer> text) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, complex::ComplexDialect, math::MathDialect, ssm::SsmDialect>();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(text), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = ssm::parseSource(sources, &context);
  if (!module)
    return nullptr;
  std::string printed;
  llvm::raw_string_ostream stream(printed);
  module->print(stream, OpPrintingFlags().enableDebugInfo());
  return llvm::MemoryBuffer::getMemBufferCopy(printed, "<translated>");
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registry.insert<ssm::SsmDialect>();
  registerAllPasses();
  ssm::registerSsmPasses();
#ifndef NDEBUG
  registerDebugOnly();
#endif
  auto [inputName, outputName] =
      registerAndParseCLIOptions(argc, argv, "Runs passes on .mlir and .ssm files", registry);

  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> input = openInputFile(inputName, &message);
  std::unique_ptr<llvm::ToolOutputFile> output = input ? openOutputFile(outputName, &message) : nullptr;
  if (!output) {
    llvm::errs() << "error: " << message << "\n";
    return 1;
  }
  if (StringRef(inputName).ends_with(".ssm"))
    input = translateSource(std::move(input));
  if (!input || failed(MlirOptMain(output->os(), std::move(input), registry, MlirOptMainConfig::createFromCLOptions())))
    return 1;
  output->keep();
  return 0;
}
