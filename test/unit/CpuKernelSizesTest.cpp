// Every model of the library at sizes that fill no tile, in memory that tells when more is read or written than should
// be.

#include "CpuKernelRun.h"
#include "schedule/Placement.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Sizes = std::map<std::string, int64_t>;
constexpr int64_t ragged[] = {1, 15, 16, 17, 37};
/// Scalar evaluations that the interpreter may spend on one run.
constexpr int64_t maxWork = 300'000;

/// f32 throughout: 2e-5 of the largest value holds some 40 steps of recurrences that forget, and sums of up to 37
/// products.
class CpuKernelSizes : public testing::TestWithParam<std::string> {
protected:
  /// Kernels for one size of the dimensions that are held on chip; all others are open until the launch.
  void compile(int64_t held, const SizeHints &hints) {
    kernel.reset();
    description = std::make_unique<Description>(parseFile(SSM_SOURCE_DIR "/models/" + GetParam() + ".ssm"));
    ASSERT_TRUE(*description) << description->errors;
    recurrence = description->recurrence();
    dropSizes(recurrence);
    SpecializeParameters parameters;
    for (const std::string &name : heldDims(recurrence))
      parameters.dims[name] = held;
    ASSERT_TRUE(prepare(*description, parameters));
    auto compiled = compileForCpu(recurrence, "auto", hints);
    ASSERT_TRUE(static_cast<bool>(compiled)) << llvm::toString(compiled.takeError());
    kernel = std::move(*compiled);
    fixed = parameters.dims;
  }

  /// Names of the dimensions that have to be known when compiling, those `like` another left out.
  static std::vector<std::string> heldDims(RecurrenceOp recurrence) {
    DimensionAnalysis dims(recurrence);
    std::vector<std::string> names;
    for (StringRef name : dims.list(dimsHeldWhole(recurrence, dims)))
      if (recurrence.extentOf(name) == name)
        names.push_back(name.str());
    return names;
  }

  std::vector<std::string> openDims() {
    std::vector<std::string> names;
    for (StringRef name : ssm::openDims(recurrence))
      names.push_back(name.str());
    return names;
  }

  int64_t elements(const Sizes &sizes) {
    int64_t count = 1;
    for (auto &[name, size] : sizes)
      count *= std::max<int64_t>(size, 1);
    return count;
  }

  Sizes sizesWith(int64_t others) {
    Sizes sizes = fixed;
    for (const std::string &name : openDims())
      sizes[name] = others;
    return sizes;
  }

  /// One run; every one in other memory, with and without states.
  void run(const Sizes &sizes, Memory memory, bool isMixed, bool withStates, bool wantsStates) {
    SCOPED_TRACE(sizesText(sizes) + ", memory " + std::to_string(int(memory)) + (isMixed ? " mixed" : "") +
                 (withStates ? ", states given" : "") + ", schedule " + kernel->schedule());
    InterpreterArguments arguments = argumentsFor(recurrence, GetParam(), sizes, withStates, ++runs);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    RunOptions options;
    options.finalStates = wantsStates;
    options.threads = 1 + runs % 2;
    options.memory = [&](size_t tensor) {
      return isMixed ? allMemories[(tensor * 3 + size_t(memory)) % std::size(allMemories)] : memory;
    };
    runAndCompare(*kernel, recurrence, arguments, *expected, options);
  }
  /// As above, the way of running taken from the number of runs so far.
  void run(const Sizes &sizes) {
    run(sizes, allMemories[runs % std::size(allMemories)], runs % 3 == 2, runs % 4 < 2, runs % 5 != 4);
  }

  std::unique_ptr<Description> description;
  RecurrenceOp recurrence;
  std::unique_ptr<CpuKernel> kernel;
  Sizes fixed;
  uint64_t runs = 0;
};
} // namespace

TEST_P(CpuKernelSizes, AreRightInEveryDimensionAndInTime) {
  for (int64_t held : ragged) {
    // Small sizes of parallel dimensions put a summed one on the lanes.
    SizeHints hints;
    if (held == 15 || held == 37)
      for (const char *name : {"batch", "channel", "group", "member", "per_group", "head", "headdim", "value"})
        hints[name] = 2;
    compile(held, hints);
    if (HasFatalFailure())
      return;
    for (int64_t size : ragged) {
      for (const std::string &name : openDims()) {
        Sizes sizes = sizesWith(2);
        sizes[recurrence.getScan().str()] = 3;
        sizes[name] = size;
        run(sizes);
        if (HasFatalFailure())
          return;
      }
      // As many dimensions as the interpreter can afford, all of one size.
      Sizes sizes = sizesWith(size);
      for (const std::string &name : openDims())
        if (elements(sizes) > maxWork)
          sizes[name] = 2;
      run(sizes);
      if (HasFatalFailure())
        return;
    }
    if (heldDims(recurrence).empty())
      return;
  }
}

TEST_P(CpuKernelSizes, MayBeZeroInBatchAndTime) {
  compile(5, {});
  if (HasFatalFailure())
    return;
  for (StringRef empty : {StringRef("batch"), recurrence.getScan()})
    for (int64_t others : {2, 17})
      for (bool withStates : {false, true}) {
        Sizes sizes = sizesWith(others);
        if (elements(sizes) > maxWork)
          sizes = sizesWith(3);
        sizes[empty.str()] = 0;
        run(sizes, Memory::Dense, false, withStates, true);
        if (HasFatalFailure())
          return;
      }
}

TEST_P(CpuKernelSizes, AreRightInAnyMemory) {
  compile(7, {});
  if (HasFatalFailure())
    return;
  for (const std::string &wide : openDims())
    for (Memory memory : allMemories)
      for (bool isMixed : {false, true}) {
        Sizes sizes = sizesWith(2);
        sizes[recurrence.getScan().str()] = 3;
        sizes[wide] = 19;
        run(sizes, memory, isMixed, runs % 2, runs % 3);
        if (HasFatalFailure())
          return;
      }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelSizes, testing::ValuesIn(libraryModels()),
                         [](const auto &info) { return info.param; });
