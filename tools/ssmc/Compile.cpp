// ssmc compile: a description to any of the levels below it.

#include "codegen/bundle/BundleWriter.h"
#include "codegen/emit/Emit.h"
#include "codegen/lowering/ScheduleChoice.h"
#include "dialect/RowPlan.h"
#include "tools/ssmc/Case.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/OutputFile.h"
#include "tools/ssmc/ScheduleOption.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace ssm;

namespace {
struct CompileCommand {
  std::string model, level, schedule = "auto", strides, like, out;
  std::vector<std::string> targets = {"cpu"}, modes = {"forward"}, open, arrays;
  ModelOptions options;
  Preparation preparation;
  /// Of a bundle's functions, with their types.
  std::vector<std::pair<std::string, Preparation>> choices;
};
} // namespace

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

/// The schedule, and what each kernel takes.
static void printKernels(StringRef schedule, ArrayRef<KernelReport> kernels) {
  llvm::errs() << "schedule: " << schedule << "\n";
  for (const KernelReport &kernel : kernels)
    llvm::errs() << kernelText(kernel) << "\n";
}

/// Specializes and discretizes; sizes and optional inputs that the command line leaves open are as in the file that it
/// names.
static llvm::Error prepareAlike(const CompileCommand &command, Preparation preparation, RecurrenceOp recurrence,
                                Timing &timing) {
  if (command.like.empty())
    return prepare(recurrence, preparation, timing);
  auto file = readCase(command.like);
  if (!file)
    return file.takeError();
  std::map<std::string, double> params;
  takeOptions(recurrence, *file, preparation, params);
  auto bound = bindTensors(recurrence, file->tensors, preparation.parameters);
  if (!bound)
    return bound.takeError();
  for (const std::string &dim : command.open)
    if (!bound->dims.erase(dim))
      return llvm::createStringError("--open " + dim + ": '" + recurrence.getSymName() +
                                     "' has no dimension of that name");
  return prepare(recurrence, {*bound, preparation.discretize}, timing);
}

static llvm::Expected<std::string> emitKernel(CompileCommand &command, Model &model, Timing &timing) {
  RecurrenceOp recurrence = model.recurrence();
  if (llvm::Error error = prepareAlike(command, command.preparation, recurrence, timing))
    return error;
  if (command.targets.size() > 1)
    return llvm::createStringError("--target: only a bundle is for several targets");
  auto target = parseTarget(command.targets.front());
  if (!target)
    return target.takeError();
  std::string schedule = command.schedule;
  if (command.level != "scan") {
    auto choice = timing.measure("choose a schedule", [&] {
      return chooseSchedule(recurrence, *target, target->machine.cores, command.schedule);
    });
    if (!choice)
      return choice.takeError();
    schedule = choice->schedule;
  }
  auto emitted = emit(recurrence, command.level, {*target, schedule, command.strides != "any", {}});
  if (!emitted)
    return emitted.takeError();
  for (const auto &[phase, seconds] : emitted->times)
    timing.add(phase, seconds);
  if (command.options.timing || !emitted->kernels.empty())
    printKernels(emitted->schedule, emitted->kernels);
  return std::move(emitted->content);
}

/// A bundle as one file, or as a folder that is there.
static llvm::Error writeBundle(const std::string &out, const ArchiveFiles &files) {
  if (!llvm::sys::fs::is_directory(out))
    return writeResult(out, packArchive(files));
  // The manifest comes last: without it there is no bundle yet.
  for (bool isManifest : {false, true})
    for (const auto &[name, content] : files)
      if ((name == "manifest.json") == isManifest)
        if (llvm::Error error = writeResult(out + "/" + name, content))
          return error;
  return llvm::Error::success();
}

/// The arrays of rows that calls of a mode give. Steps look up their states in a pool, and may leave any of these out.
static std::vector<std::string> arraysOf(const CompileCommand &command, StringRef mode) {
  std::vector<std::string> arrays = command.arrays;
  if (mode == "step")
    for (const char *name : {"slots_in", "slots_out", "has_state"})
      if (llvm::none_of(arrays, [&](StringRef array) { return array.split('=').first == name; }))
        arrays.push_back(name);
  return arrays;
}

static llvm::Error emitBundle(CompileCommand &command, Model &model, Timing &timing) {
  std::vector<BundleFunction> functions;
  for (const std::string &mode : command.modes)
    for (const auto &[dtype, preparation] : command.choices) {
      RecurrenceOp recurrence = model.copyOfRecurrence();
      if (llvm::Error error = packRows(recurrence, mode, arraysOf(command, mode), timing))
        return error;
      if (llvm::Error error = prepareAlike(command, preparation, recurrence, timing))
        return error;
      functions.push_back({recurrence, dtype});
    }
  BundleOptions options;
  options.compiler = "ssmc " SSMC_VERSION;
  options.description = model.text().str();
  options.schedule = command.schedule;
  options.unitStrides = command.strides != "any";
  options.anyStrides = command.strides != "unit";
  auto targets = parseBundleTargets(command.targets);
  if (!targets)
    return targets.takeError();
  options.targets = std::move(*targets);
  auto bundle = timing.measure("compile", [&] { return compileBundle(functions, options); });
  if (!bundle)
    return bundle.takeError();
  printKernels(bundle->schedule, bundle->kernels);
  if (!bundle->withoutCubins.empty())
    llvm::errs() << "without cubins: " << bundle->withoutCubins << "\n";
  return timing.measure("write", [&] { return writeBundle(command.out, bundle->files); });
}

/// NAME or NAME=TYPE, of an array of rows.
static std::string checkArray(const std::string &text) {
  auto [name, type] = StringRef(text).split('=');
  if (llvm::is_contained(RowPlan::arrays(), name) &&
      (type.empty() ? !StringRef(text).ends_with("=") : type == "i32" || type == "i64"))
    return "";
  return "expected cu_seqlens, slots_in, slots_out, has_state or slots_at, or one of them as NAME=i32 or NAME=i64, "
         "found '" +
         text + "'";
}

static llvm::Expected<int> compile(CompileCommand &command) {
  Timing timing;
  for (auto [number, mode] : llvm::enumerate(command.modes)) {
    if (mode != "forward" && mode != "step")
      return llvm::createStringError("--mode " + mode + ": no pass makes this mode; forward and step are there");
    if (llvm::is_contained(ArrayRef(command.modes).take_front(number), mode))
      return llvm::createStringError("--mode " + mode + " is given twice");
  }
  if (command.modes.size() > 1 && command.level != "bundle")
    return llvm::createStringError("--mode: only a bundle has several modes");
  auto model = Model::load(command.model, command.options.libraryFolder, command.options.recurrence, timing);
  if (!model)
    return model.takeError();
  if ((command.level == "recurrence" || command.level == "scan") && command.schedule != "auto")
    return llvm::createStringError("--schedule: --emit " + command.level + " stops before there is a schedule");
  if (command.level == "bundle") {
    if (llvm::Error error = emitBundle(command, *model, timing))
      return error;
  } else {
    const std::string &mode = command.modes.front();
    if (llvm::Error error = packRows(model->recurrence(), mode, arraysOf(command, mode), timing))
      return error;
    llvm::Expected<std::string> text =
        command.level == "recurrence" ? emitRecurrence(command, *model, timing) : emitKernel(command, *model, timing);
    if (!text)
      return text.takeError();
    if (llvm::Error error = timing.measure("write", [&] { return writeResult(command.out, *text); }))
      return error;
  }
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
  sub->add_option(
         "--target", command->targets,
         "cpu, cpu:NAME (as cpu:x86-64-v3), sm_80, sm_90, …; a bundle takes several, and cpu means v4 and v3 there")
      ->check(CLI::Validator(checkTarget, ""))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  sub->add_option("--emit", command->level, "Where to stop (default: ptx for a GPU, obj for a processor)")
      ->check(CLI::IsMember(
          {"recurrence", "scan", "tiled", "gpu", "nvvm", "llvm", "ptx", "cubin", "obj", "asm", "bundle"}));
  sub->add_option("--mode", command->modes, "What to compile; a bundle takes several")
      ->check(CLI::IsMember({"forward", "step", "backward", "conv"}))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  sub->add_option("--with", command->arrays,
                  "Arrays of rows that calls give, of i32 or, as NAME=i64, of i64: cu_seqlens packs sequences; "
                  "slots_in, slots_out and slots_at are places in a pool of states, where has_state is not 0")
      ->check(CLI::Validator(checkArray, ""))
      ->type_name("NAME[=TYPE],…")
      ->delimiter(',')
      ->allow_extra_args(false);
  addScheduleOption(*sub, command->schedule);
  sub->add_option("--strides", command->strides,
                  "unit: the last axis of every tensor has stride 1; any: no axis need have, which is slower (default: "
                  "unit; both in a bundle)")
      ->check(CLI::IsMember({"unit", "any"}));
  auto *like = sub->add_option("--like", command->like,
                               "safetensors file as for run --in: sizes, optional inputs and, of a reference case, "
                               "options are as in it");
  sub->add_option("--open", command->open, "Dimensions of --like whose sizes are left to the call all the same")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->needs(like);
  sub->add_option("-o,--out", command->out,
                  "File to write (default: standard output); a bundle is unpacked into a folder that is there");
  command->options.declare(*sub);
  sub->callback([command, &action] {
    if (command->level.empty())
      command->level = StringRef(command->targets.front()).starts_with("sm_") ? "ptx" : "obj";
    if (command->level == "bundle")
      command->choices = command->options.choices();
    else
      command->preparation = command->options.preparation();
    if (command->out.empty() && (command->level == "obj" || command->level == "cubin" || command->level == "bundle"))
      throw CLI::RequiredError("--out, since " + command->level + " is no text,");
    action = [command] { return compile(*command); };
  });
}
