#include "test/support/Description.h"
#include "frontend/Frontend.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

static Description emptyDescription() {
  Description description;
  description.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  description.context->loadDialect<SsmDialect, arith::ArithDialect, math::MathDialect, complex::ComplexDialect>();
  return description;
}

RecurrenceOp Description::recurrence() { return *module->getOps<RecurrenceOp>().begin(); }

Description ssm::test::parseDialect(StringRef text) {
  Description description = emptyDescription();
  ScopedDiagnosticHandler handler(description.context.get(), [&](Diagnostic &diagnostic) {
    description.errors += diagnostic.str() + "\n";
    return success();
  });
  description.module = parseSourceString<ModuleOp>(text, description.context.get());
  return description;
}

Description ssm::test::parseLanguage(StringRef text) {
  Description description = emptyDescription();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test.ssm"), {});
  sources.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *errors) {
        llvm::raw_string_ostream stream(*static_cast<std::string *>(errors));
        diagnostic.print(nullptr, stream, /*ShowColors=*/false);
      },
      &description.errors);
  description.module = parseSource(sources, description.context.get());
  return description;
}

Description ssm::test::parseFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    Description description;
    description.errors = (path + ": " + buffer.getError().message()).str();
    return description;
  }
  StringRef text = (*buffer)->getBuffer();
  return path.ends_with(".mlir") ? parseDialect(text) : parseLanguage(text);
}

std::string ssm::test::print(Description &description) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  description.module->print(stream);
  return text;
}
