#include "tools/ssmc/Emit.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/Machine.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;

/// Why the level cannot be made for the target, or nothing.
static llvm::Error checkLevel(const std::string &level, const CompileTarget &target) {
  if (level == "scan" || level == "bundle")
    return llvm::createStringError("--emit " + level + ": no pass of this program makes it");
  if ((level == "obj" || level == "asm") && target.isGpu())
    return llvm::createStringError("--emit " + level + " is for processors; --target " + target.name +
                                   " has ptx and cubin");
  if ((level == "gpu" || level == "nvvm" || level == "ptx" || level == "cubin") && !target.isGpu())
    return llvm::createStringError("--emit " + level + " is for GPUs; --target " + target.name + " has obj and asm");
  return llvm::Error::success();
}

static std::string printed(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

/// Runs ptxas, from the path or a CUDA toolkit in its usual place, on PTX text.
static llvm::Expected<std::string> assemble(const std::string &ptx, const std::string &chip) {
  auto ptxas = llvm::sys::findProgramByName("ptxas");
  if (!ptxas)
    ptxas = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"});
  if (!ptxas)
    return llvm::createStringError("--emit cubin: no ptxas on the path or in /usr/local/cuda/bin");
  llvm::SmallString<64> input, output, messages;
  for (auto *file : {&input, &output, &messages})
    if (std::error_code error = llvm::sys::fs::createTemporaryFile("ssmc", "", *file))
      return llvm::createStringError("cannot make a temporary file: " + error.message());
  llvm::FileRemover removeInput(input), removeOutput(output), removeMessages(messages);
  std::error_code error;
  llvm::raw_fd_ostream stream(input, error);
  stream << ptx;
  stream.close();
  if (error || stream.has_error())
    return llvm::createStringError("cannot write a temporary file");
  const std::string arch = "-arch=" + chip;
  const std::optional<StringRef> redirects[] = {StringRef(), messages.str(), messages.str()};
  const int status = llvm::sys::ExecuteAndWait(*ptxas, {*ptxas, arch, input, "-o", output}, std::nullopt, redirects);
  auto result = llvm::MemoryBuffer::getFile(status == 0 ? output : messages);
  if (status != 0 || !result)
    return llvm::createStringError("ptxas failed" +
                                   (result ? ": " + (*result)->getBuffer().trim().str() : std::string()));
  return (*result)->getBuffer().str();
}

static llvm::Expected<std::string> emitMachineCode(llvm::Module &module, const CompileTarget &target,
                                                   const std::string &level, Timing &timing) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  timing.measure("optimize", [&] { optimize(module, **machine); });
  const auto type = level == "obj" ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  auto code = timing.measure("generate code", [&] { return emitCode(module, **machine, type); });
  if (!code || level != "cubin")
    return code;
  return timing.measure("ptxas", [&] { return assemble(*code, target.cpu); });
}

llvm::Expected<std::string> ssm::emit(RecurrenceOp recurrence, const EmitOptions &options, Timing &timing) {
  auto target = parseTarget(options.target);
  if (!target)
    return target.takeError();
  if (llvm::Error error = checkLevel(options.level, *target))
    return error;
  const LoweringLevel level = options.level == "tiled" ? LoweringLevel::Tiled
                              : options.level == "gpu" ? LoweringLevel::Kernels
                                                       : LoweringLevel::Llvm;
  auto lowered = timing.measure(
      "passes", [&] { return lower(recurrence, {*target, options.schedule, options.packed, {}}, level); });
  if (!lowered)
    return lowered.takeError();
  if (level != LoweringLevel::Llvm || options.level == "nvvm")
    return printed(lowered->module.get());
  llvm::LLVMContext context;
  auto module = timing.measure("translate to LLVM", [&] { return translate(*lowered, *target, context); });
  if (!module)
    return module.takeError();
  if (options.level != "llvm")
    return emitMachineCode(**module, *target, options.level, timing);
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*module)->print(stream, nullptr);
  return text;
}
