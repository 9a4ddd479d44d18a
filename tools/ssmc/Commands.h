#ifndef SSM_TOOLS_SSMC_COMMANDS_H
#define SSM_TOOLS_SSMC_COMMANDS_H

#include "llvm/Support/Error.h"

#include <functional>

namespace CLI {
class App;
} // namespace CLI

namespace ssm {

/// Exit status of a program whose input is wrong, whose command line is wrong, or that found a check to fail.
enum ExitStatus { Succeeded = 0, InputWrong = 1, CommandLineWrong = 2, CheckFailed = 3 };

/// What the command line asked for; it runs once the command line has been read. Errors make the status InputWrong.
using Action = std::function<llvm::Expected<int>()>;

// Each declares one subcommand, and sets the action when it is chosen.
void addCompileCommand(CLI::App &app, Action &action);
void addRunCommand(CLI::App &app, Action &action);
void addCheckCommand(CLI::App &app, Action &action);
void addBenchCommand(CLI::App &app, Action &action);
void addExplainCommand(CLI::App &app, Action &action);
void addExploreCommand(CLI::App &app, Action &action);
void addModelsCommand(CLI::App &app, Action &action);

} // namespace ssm

#endif
