// Runs the CUDA toolkit's assembler, which there is no library for.

#include "codegen/gpu/Ptxas.h"
#include "codegen/gpu/CudaProgram.h"
#include "llvm/Support/Regex.h"

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Expected<std::string> ssm::findPtxas() {
  Expected<std::optional<std::string>> path = findCudaProgram("ptxas");
  if (!path)
    return path.takeError();
  if (*path)
    return **path;
  return fail("no CUDA toolkit was found: ptxas is neither in $CUDA_HOME/bin nor on PATH nor in /usr/local/cuda/bin; "
              "PTX (--emit ptx) needs none");
}

/// ptxas -v prints for each entry: "Compiling entry function 'k'", "N bytes stack frame, N bytes spill stores, N bytes
/// spill loads", "Used N registers, …, N bytes smem, …".
static std::vector<KernelResources> parseResources(StringRef text) {
  llvm::Regex entry("Compiling entry function '([^']+)'"),
      spills("([0-9]+) bytes stack frame, ([0-9]+) bytes spill "
             "stores, ([0-9]+) bytes spill loads"),
      registers("Used ([0-9]+) registers"), shared("([0-9]+) bytes smem");
  std::vector<KernelResources> kernels;
  llvm::SmallVector<StringRef> lines, found;
  text.split(lines, '\n');
  auto number = [&](unsigned group) {
    int64_t value = 0;
    (void)found[group].getAsInteger(10, value);
    return value;
  };
  for (StringRef line : lines) {
    if (entry.match(line, &found))
      kernels.push_back({found[1].str()});
    if (kernels.empty())
      continue;
    KernelResources &kernel = kernels.back();
    if (spills.match(line, &found)) {
      kernel.stackBytes = number(1);
      kernel.spillStores = number(2);
      kernel.spillLoads = number(3);
    }
    if (registers.match(line, &found))
      kernel.registers = number(1);
    if (shared.match(line, &found))
      kernel.sharedBytes = number(1);
  }
  return kernels;
}

/// One run of ptxas.
static Expected<Assembled> assembleWith(StringRef program, StringRef ptx, llvm::ArrayRef<StringRef> options) {
  Expected<TemporaryFile> source = TemporaryFile::create("ptx", ptx);
  if (!source)
    return source.takeError();
  Expected<TemporaryFile> cubin = TemporaryFile::create("cubin");
  if (!cubin)
    return cubin.takeError();
  llvm::SmallVector<StringRef> arguments = {"-v", source->name(), "-o", cubin->name()};
  llvm::append_range(arguments, options);
  Expected<std::string> text = runProgram(program, arguments);
  if (!text)
    return fail("ptxas refused the PTX: " + llvm::toString(text.takeError()));
  Expected<std::string> binary = cubin->read();
  if (!binary)
    return binary.takeError();
  if (binary->empty())
    return fail("ptxas wrote no cubin");
  return Assembled{std::move(*binary), parseResources(*text)};
}

static int64_t spills(const Assembled &assembled) {
  int64_t sum = 0;
  for (const KernelResources &kernel : assembled.kernels)
    sum += kernel.spillStores + kernel.spillLoads;
  return sum;
}

/// The same program where kernels that do not say how many of their blocks share a multiprocessor ask for as many as
/// `blocksOf` says of their names; 0 leaves one as it is.
static std::string withBlocks(StringRef ptx, llvm::function_ref<int64_t(StringRef)> blocksOf) {
  constexpr StringRef entry = ".entry ", threads = ".maxntid", blocks = ".minnctapersm";
  std::string result;
  StringRef kernel;
  llvm::SmallVector<StringRef> lines;
  ptx.split(lines, '\n');
  for (auto [number, line] : llvm::enumerate(lines)) {
    result += line;
    if (number + 1 < lines.size())
      result += '\n';
    if (line.contains(entry))
      kernel = line.split(entry).second.take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '$'; });
    if (line.starts_with(threads) && number + 1 < lines.size() && !lines[number + 1].starts_with(blocks))
      if (int64_t count = blocksOf(kernel))
        result += (blocks + " " + llvm::Twine(count) + "\n").str();
  }
  return result;
}

/// One run, or more: without what is wanted of those kernels that spill for it.
static Expected<Assembled> assembleWanted(StringRef program, std::string &ptx, llvm::ArrayRef<StringRef> options,
                                          WantedBlocks wanted) {
  std::string without = std::move(ptx);
  while (true) {
    ptx = withBlocks(without, [&](StringRef kernel) { return wanted.lookup(kernel); });
    Expected<Assembled> assembled = assembleWith(program, ptx, options);
    if (!assembled)
      return assembled;
    size_t spilling = llvm::count_if(assembled->kernels, [&](const KernelResources &kernel) {
      return kernel.spillStores + kernel.spillLoads > 0 && wanted.erase(kernel.kernel);
    });
    if (spilling == 0)
      return assembled;
  }
}

Expected<Assembled> ssm::assemble(StringRef given, StringRef chip, bool withLines, WantedBlocks wanted) {
  Expected<std::string> program = findPtxas();
  if (!program)
    return program.takeError();
  std::string gpu = ("--gpu-name=" + chip).str(), ptx = given.str();
  llvm::SmallVector<StringRef> options = {gpu};
  if (withLines)
    options.push_back("-lineinfo");
  Expected<Assembled> assembled = assembleWanted(*program, ptx, options, std::move(wanted));
  if (!assembled || spills(*assembled) == 0)
    return assembled;
  // ptxas spills a little where that lets another block in, though a step waits for what it spills. Asked to use
  // registers, or told that one block is enough, it takes those that there are.
  options.push_back("--register-usage-level=10");
  for (const std::string &text : {ptx, withBlocks(ptx, [](StringRef) { return 1; })}) {
    Expected<Assembled> again = assembleWith(*program, text, options);
    if (!again)
      return again.takeError();
    if (spills(*again) < spills(*assembled))
      assembled = std::move(again);
    if (spills(*assembled) == 0)
      break;
  }
  return assembled;
}
