// ssmc check: against reference data, or a description against the interpreter.

#include "tools/ssmc/Check.h"
#include "tools/ssmc/Commands.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace ssm;

int Tally::finish() const {
  llvm::outs() << passed << " passed, " << failed << " failed\n";
  return failed ? CheckFailed : Succeeded;
}

double ssm::errorBound(const CheckRequest &request, double float32Error) {
  if (request.tolerance)
    return *request.tolerance;
  return request.device.isExact() ? 1e-10 : std::max(2e-5, 4 * float32Error);
}

static bool isCase(llvm::StringRef subject) { return subject.ends_with(".safetensors"); }

void ssm::addCheckCommand(CLI::App &app, Action &action) {
  auto request = std::make_shared<CheckRequest>();
  CLI::App *sub = app.add_subcommand("check", "Check a description, or reference data, against float64");
  sub->add_option("SUBJECT", request->subjects, "Case files (*.safetensors) with reference data, or one MODEL")
      ->required();
  sub->add_option("--model", request->model,
                  "The description for case files, in place of the library's that they name");
  sub->add_option("--tolerance", request->tolerance,
                  "Largest error allowed, relative to a tensor's largest reference value")
      ->check(CLI::NonNegativeNumber);
  request->options.declare(*sub);
  request->device.declare(*sub);
  sub->callback([request, &action] {
    request->preparation = request->options.preparation();
    request->params = request->options.paramValues();
    const bool cases = llvm::all_of(request->subjects, isCase);
    if (!cases && (request->subjects.size() > 1 || isCase(request->subjects[0])))
      throw CLI::ValidationError("SUBJECT", "expected files that end in .safetensors, or one MODEL");
    if (!cases && !request->model.empty())
      throw CLI::ValidationError("--model", "goes with case files only");
    action = [request, cases]() -> llvm::Expected<int> {
      if (llvm::Error error = checkDevice(request->device))
        return error;
      if (!cases && request->device.stats)
        return llvm::createStringError("--stats: goes with case files, and with ssmc run and bench");
      return cases ? checkCases(*request) : checkModel(*request);
    };
  });
}
