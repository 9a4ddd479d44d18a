#ifndef SSM_TOOLS_NONNEGATIVE_H
#define SSM_TOOLS_NONNEGATIVE_H

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>

namespace ssm {

/// Refuses a value of an option that is no number, or below 0: CLI11's own check says this with all 309 digits of the
/// largest number.
inline CLI::Validator nonNegative() {
  return CLI::Validator(
      [](std::string &text) -> std::string {
        char *end = nullptr;
        const double number = std::strtod(text.c_str(), &end);
        const bool isNumber = !text.empty() && *end == 0 && std::isfinite(number);
        return isNumber && number >= 0 ? "" : "expected a number that is not negative, found '" + text + "'";
      },
      "NONNEGATIVE");
}

} // namespace ssm

#endif
