// A language server for the dialect's textual form: diagnostics, definitions and hover in an editor.

#include "dialect/Ssm.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<ssm::SsmDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
