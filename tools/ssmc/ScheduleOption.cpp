#include "tools/ssmc/ScheduleOption.h"
#include "llvm/ADT/StringRef.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

using namespace ssm;

/// Longer than any schedule: a wrong file should not be read in full.
static constexpr size_t largestFile = 1 << 16;

/// Puts a file's content in place of `@FILE`; returns what is wrong.
static std::string readFile(std::string &text) {
  llvm::StringRef path(text);
  if (!path.consume_front("@"))
    return "";
  std::ifstream file(path.str(), std::ios::binary);
  std::string content(largestFile + 1, '\0');
  if (!file || (!file.read(content.data(), content.size()) && !file.eof()))
    return "cannot read " + path.str() + ": " + std::strerror(errno);
  content.resize(file.gcount());
  if (content.size() > largestFile)
    return path.str() + " is too long for a schedule";
  text = llvm::StringRef(content).trim().str();
  return "";
}

void ssm::addScheduleOption(CLI::App &app, std::string &schedule) {
  app.add_option("--schedule", schedule,
                 "How dimensions are placed (docs: schedules); auto chooses, @FILE reads it from a file")
      ->transform(CLI::Validator(readFile, ""))
      ->capture_default_str();
}
