#ifndef SSM_TOOLS_SSMC_MODELOPTIONS_H
#define SSM_TOOLS_SSMC_MODELOPTIONS_H

#include "tools/ssmc/Model.h"

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace ssm {

/// What every command that takes a description lets the user decide about it.
struct ModelOptions {
  std::string libraryFolder, recurrence;
  std::vector<std::string> dims, dtypes, without, options, params;
  std::string discretize;
  bool timing = false;

  /// Declares the options. Lists may be written with commas or by repeating the option; what is no `NAME=VALUE` where
  /// one is needed is refused as a wrong command line.
  void declare(CLI::App &app);
  /// Declares where the library and the recurrence in a file are found, and --timing.
  void declareSource(CLI::App &app);

  /// All throw CLI::ValidationError where one name is given two values.
  Preparation preparation() const;
  /// One for each choice of types, by its text: a type without a name begins another choice, a name after it is its own
  /// and one before the first is every choice's. They are in the order in which they are written.
  std::vector<std::pair<std::string, Preparation>> choices() const;
  std::map<std::string, double> paramValues() const;
  /// Whether anything was decided that `specialize` or `discretize` has to apply.
  bool any() const;
};

} // namespace ssm

#endif
