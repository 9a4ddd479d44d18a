// The front end from text to module: parse, look up names, infer, check, emit.

#include "frontend/Frontend.h"
#include "dialect/Ssm.h"
#include "frontend/Emitter.h"
#include "frontend/Inference.h"
#include "frontend/Parser.h"
#include "frontend/Resolver.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::frontend;

/// The graphs of a file's recurrences; only those are of use that came without errors.
static std::vector<Graph> resolveFile(const File &file, Diagnostics &diagnostics) {
  std::vector<Graph> graphs;
  llvm::StringMap<Loc> names;
  for (const Recurrence &recurrence : file.recurrences) {
    auto [it, isNew] = names.try_emplace(recurrence.name.text, recurrence.name.loc);
    if (!isNew)
      diagnostics.error(recurrence.name.loc, "recurrence '" + recurrence.name.text +
                                                 "' is defined twice; first in line " + Twine(it->second.line));
    Resolver(file, recurrence, diagnostics, graphs.emplace_back()).run();
    infer(graphs.back());
    check(graphs.back(), diagnostics);
    if (diagnostics.isFull())
      break;
  }
  return graphs;
}

OwningOpRef<ModuleOp> ssm::parseSource(llvm::SourceMgr &sourceMgr, MLIRContext *context) {
  const llvm::MemoryBuffer *buffer = sourceMgr.getMemoryBuffer(sourceMgr.getMainFileID());
  StringRef source = buffer->getBuffer(), name = buffer->getBufferIdentifier();
  Diagnostics diagnostics(sourceMgr);
  File file;
  parseFile(source, diagnostics, file);
  if (file.recurrences.empty() && !diagnostics.hasErrors())
    diagnostics.error({source.begin(), 1, 1}, "the description holds no recurrence; write: recurrence name { … }");
  std::vector<Graph> graphs = resolveFile(file, diagnostics);
  if (diagnostics.hasErrors())
    return nullptr;

  context->loadDialect<SsmDialect, arith::ArithDialect, math::MathDialect, complex::ComplexDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(FileLineColLoc::get(context, name, 1, 1));
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (const Graph &graph : graphs)
    emit(graph, name, builder);
  if (failed(verify(*module)))
    return nullptr;
  return module;
}
