#include "tools/ssmc/ModelOptions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

#include <CLI/CLI.hpp>

using namespace ssm;
using llvm::StringRef;

namespace {
/// Refuses what is not NAME=VALUE, with a VALUE that `isValue` accepts. `optionalName`: a VALUE alone will do.
CLI::Validator pairs(const char *expected, bool (*isValue)(StringRef), bool optionalName = false) {
  return CLI::Validator(
      [=](std::string &text) -> std::string {
        auto [name, value] = StringRef(text).split('=');
        if (optionalName && !StringRef(text).contains('='))
          return text.empty() ? std::string("expected ") + expected : "";
        if (name.empty() || !isValue(value))
          return std::string("expected ") + expected + ", found '" + text + "'";
        return "";
      },
      "");
}

bool isSize(StringRef text) {
  int64_t size;
  return !text.getAsInteger(10, size) && size >= 0;
}
bool isNumber(StringRef text) {
  double number;
  return !text.getAsDouble(number);
}
bool isAnything(StringRef text) { return !text.empty(); }
} // namespace

void ModelOptions::declareSource(CLI::App &app) {
  app.add_option("--models", libraryFolder, "Folder with the library, in place of the one in this program")
      ->envname("SSMC_MODELS")
      ->check(CLI::ExistingDirectory);
  app.add_option("--recurrence", recurrence, "The recurrence to take from a description that holds several");
  app.add_flag("--timing", timing, "Say on standard error where the time went");
}

void ModelOptions::declare(CLI::App &app) {
  declareSource(app);
  auto list = [&](const char *name, std::vector<std::string> &values, const char *type, const char *text) {
    return app.add_option(name, values, text)->delimiter(',')->allow_extra_args(false)->type_name(type);
  };
  list("--dim", dims, "NAME=SIZE,…", "Sizes of dimensions")->check(pairs("NAME=SIZE", isSize));
  list("--dtype", dtypes, "[NAME=]TYPE,…",
       "How tensors are stored: f32 (the default), f64, bf16, f16; by name, or all others. In a bundle each type "
       "without "
       "a name begins a function of its own: f32,bf16,delta=f32 are two")
      ->check(pairs("TYPE or NAME=TYPE", isAnything, /*optionalName=*/true));
  list("--without", without, "NAME,…", "Optional inputs that are left out");
  list("--option", options, "NAME=VALUE,…", "Values of the description's options")
      ->check(pairs("NAME=VALUE", isAnything));
  list("--param", params, "NAME=NUMBER,…", "Values of the description's parameters")
      ->check(pairs("NAME=NUMBER", isNumber));
  app.add_option("--discretize", discretize, "How derivatives are discretized, in place of what the description says")
      ->check(CLI::IsMember({"zoh", "bilinear", "euler", "exp_euler"}));
}

/// The values by name; one name with two values is a wrong command line.
static std::map<std::string, std::string> byName(const char *option, const std::vector<std::string> &pairs) {
  std::map<std::string, std::string> values;
  for (StringRef text : pairs) {
    auto [name, value] = text.contains('=') ? text.split('=') : std::pair(StringRef(), text);
    auto [known, isNew] = values.try_emplace(name.str(), value.str());
    if (!isNew && known->second != value)
      throw CLI::ValidationError(option, "two values, " + known->second + " and " + value.str() +
                                             (name.empty() ? "" : ", for '" + name.str() + "'"));
  }
  return values;
}

Preparation ModelOptions::preparation() const {
  Preparation preparation;
  SpecializeParameters &parameters = preparation.parameters;
  for (const auto &[name, size] : byName("--dim", dims))
    StringRef(size).getAsInteger(10, parameters.dims[name]);
  parameters.options = byName("--option", options);
  parameters.dtypes = byName("--dtype", dtypes);
  if (auto type = parameters.dtypes.extract(""))
    parameters.dtype = type.mapped();
  parameters.without = without;
  preparation.discretize = discretize;
  return preparation;
}

std::vector<std::pair<std::string, Preparation>> ModelOptions::choices() const {
  // Types of one choice, as preparation() takes them.
  std::vector<std::string> common;
  std::vector<std::vector<std::string>> lists;
  for (const std::string &text : dtypes)
    if (StringRef(text).contains('='))
      (lists.empty() ? common : lists.back()).push_back(text);
    else
      lists.push_back({text});
  if (lists.empty())
    lists.push_back({"f32"});
  std::vector<std::pair<std::string, Preparation>> result;
  for (std::vector<std::string> &list : lists) {
    list.insert(list.end(), common.begin(), common.end());
    ModelOptions one = *this;
    one.dtypes = list;
    std::string name = llvm::join(list, ",");
    for (const auto &[other, preparation] : result)
      if (other == name)
        throw CLI::ValidationError("--dtype", "the same types twice: " + name);
    result.emplace_back(std::move(name), one.preparation());
  }
  return result;
}

std::map<std::string, double> ModelOptions::paramValues() const {
  std::map<std::string, double> values;
  for (const auto &[name, value] : byName("--param", params))
    StringRef(value).getAsDouble(values[name]);
  return values;
}

bool ModelOptions::any() const {
  return !dims.empty() || !dtypes.empty() || !without.empty() || !options.empty() || !discretize.empty();
}
