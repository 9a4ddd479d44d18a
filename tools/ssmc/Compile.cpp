// ssmc compile: a description to any of the levels below it.

#include "codegen/emit/Emit.h"
#include "runtime/AtomicFile.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/ScheduleOption.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace ssm;

namespace {
struct CompileCommand {
  std::string model, target = "cpu", level, mode = "forward", schedule = "auto", strides = "unit", out;
  ModelOptions options;
  Preparation preparation;
};
} // namespace

/// Writes a result to the file asked for, whole or not at all, or to standard output.
static llvm::Error writeResult(const std::string &out, StringRef text) {
  if (out.empty() || out == "-") {
    llvm::outs() << text;
    llvm::outs().flush();
    return llvm::Error::success();
  }
  Result<AtomicFile> file = AtomicFile::create(out);
  if (!file)
    return llvm::createStringError(file.error());
  std::optional<Problem> problem = file->write(std::string_view(text.data(), text.size()));
  if (!problem)
    problem = file->commit();
  return problem ? llvm::createStringError(problem->message) : llvm::Error::success();
}

static llvm::Expected<std::string> emitRecurrence(CompileCommand &command, Model &model, Timing &timing) {
  // What nothing was decided about is shown as it was read; a decision shows what it leads to.
  if (command.options.any())
    if (llvm::Error error = prepare(model.recurrence(), command.preparation, timing))
      return error;
  return timing.measure("print", [&] {
    std::string text;
    llvm::raw_string_ostream stream(text);
    model.module().print(stream);
    return text;
  });
}

/// The schedule, and what ptxas says of each kernel.
static void printKernels(const Emitted &emitted) {
  llvm::errs() << "schedule: " << emitted.schedule << "\n";
  for (const KernelResources &kernel : emitted.kernels)
    llvm::errs() << kernel.kernel << ": " << kernel.registers << " registers, " << kernel.spillStores
                 << " bytes of spill stores, " << kernel.spillLoads << " of spill loads, " << kernel.sharedBytes
                 << " of shared memory, " << kernel.stackBytes << " of stack\n";
}

static llvm::Expected<std::string> emitKernel(CompileCommand &command, Model &model, Timing &timing) {
  RecurrenceOp recurrence = model.recurrence();
  if (llvm::Error error = prepare(recurrence, command.preparation, timing))
    return error;
  auto target = parseTarget(command.target);
  if (!target)
    return target.takeError();
  auto emitted = emit(recurrence, command.level, {*target, command.schedule, command.strides == "unit", {}});
  if (!emitted)
    return emitted.takeError();
  for (const auto &[phase, seconds] : emitted->times)
    timing.add(phase, seconds);
  if (command.options.timing || !emitted->kernels.empty())
    printKernels(*emitted);
  return std::move(emitted->content);
}

static llvm::Expected<int> compile(CompileCommand &command) {
  Timing timing;
  if (command.mode != "forward")
    return llvm::createStringError("--mode " + command.mode + ": no pass makes this mode; forward is there");
  auto model = Model::load(command.model, command.options.libraryFolder, command.options.recurrence, timing);
  if (!model)
    return model.takeError();
  if ((command.level == "recurrence" || command.level == "scan") && command.schedule != "auto")
    return llvm::createStringError("--schedule: --emit " + command.level + " stops before there is a schedule");
  llvm::Expected<std::string> text =
      command.level == "recurrence" ? emitRecurrence(command, *model, timing) : emitKernel(command, *model, timing);
  if (!text)
    return text.takeError();
  if (llvm::Error error = timing.measure("write", [&] { return writeResult(command.out, *text); }))
    return error;
  if (command.options.timing)
    timing.print();
  return Succeeded;
}

/// `cpu`, `cpu:NAME` or `sm_NN`.
static std::string checkTarget(const std::string &text) {
  StringRef target(text);
  if (target == "cpu" || (target.consume_front("cpu:") && !target.empty()))
    return "";
  target = text;
  if (target.consume_front("sm_") && !target.empty() && llvm::isDigit(target.front()))
    return "";
  return "expected cpu, cpu:NAME or sm_NN, found '" + text + "'";
}

void ssm::addCompileCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<CompileCommand>();
  CLI::App *sub = app.add_subcommand("compile", "Compile a description");
  sub->add_option("MODEL", command->model, "A path to .ssm or .mlir, or a name in the library")->required();
  sub->add_option("--target", command->target, "cpu, cpu:NAME (as cpu:x86-64-v3), sm_80, sm_90, …")
      ->check(CLI::Validator(checkTarget, ""))
      ->capture_default_str();
  sub->add_option("--emit", command->level, "Where to stop (default: ptx for a GPU, obj for a processor)")
      ->check(CLI::IsMember(
          {"recurrence", "scan", "tiled", "gpu", "nvvm", "llvm", "ptx", "cubin", "obj", "asm", "bundle"}));
  sub->add_option("--mode", command->mode, "What to compile")
      ->check(CLI::IsMember({"forward", "step", "backward", "conv"}))
      ->capture_default_str();
  addScheduleOption(*sub, command->schedule);
  sub->add_option("--strides", command->strides,
                  "unit: the last axis of every tensor has stride 1; any: no axis need have, which is slower")
      ->check(CLI::IsMember({"unit", "any"}))
      ->capture_default_str();
  sub->add_option("-o,--out", command->out, "File to write (default: standard output)");
  command->options.declare(*sub);
  sub->callback([command, &action] {
    command->preparation = command->options.preparation();
    if (command->level.empty())
      command->level = StringRef(command->target).starts_with("sm_") ? "ptx" : "obj";
    if (command->out.empty() && (command->level == "obj" || command->level == "cubin"))
      throw CLI::RequiredError("--out, since " + command->level + " is no text,");
    action = [command] { return compile(*command); };
  });
}
