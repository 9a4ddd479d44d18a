// ssmc, the compiler's command line: each subcommand is in the file of its name.

#include "runtime/Safetensors.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/Model.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ssm;

static int run(int argc, char **argv) {
  CLI::App app("ssmc compiles recurrences of state-space models, runs them and checks them.", "ssmc");
  app.set_version_flag("--version", SSMC_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  Action action;
  addCompileCommand(app, action);
  addRunCommand(app, action);
  addCheckCommand(app, action);
  addBenchCommand(app, action);
  addExplainCommand(app, action);
  addExploreCommand(app, action);
  addModelsCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    // Of a word that is no subcommand, CLI11 says only that a subcommand is missing.
    if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-')
      llvm::errs() << "error: there is no command " << printable(argv[1]) << "\n";
    else
      llvm::errs() << "error: " << error.what() << "\n";
    llvm::errs() << "Run with --help for what is expected.\n";
    return CommandLineWrong;
  }
  llvm::Expected<int> status = action();
  if (status)
    return *status;
  printError(status.takeError());
  return InputWrong;
}

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc &) {
    llvm::errs() << "error: out of memory\n";
  } catch (const std::exception &exception) {
    llvm::errs() << "error: " << exception.what() << "\n";
  }
  return InputWrong;
}
