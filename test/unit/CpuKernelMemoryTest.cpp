// Every model of the library with tensors in any memory, which tells when more is read or written than should be.

#include "CpuKernelRun.h"
#include "schedule/Placement.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
class CpuKernelMemory : public testing::TestWithParam<std::string> {};
} // namespace

TEST_P(CpuKernelMemory, MayBeAny) {
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + GetParam() + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  dropSizes(recurrence);
  DimensionAnalysis dims(recurrence);
  SpecializeParameters parameters;
  for (StringRef name : dims.list(dimsHeldWhole(recurrence, dims)))
    if (recurrence.extentOf(name) == name)
      parameters.dims[name.str()] = 7;
  ASSERT_TRUE(prepare(description, parameters));
  auto kernel = compileForCpu(recurrence, "auto");
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  uint64_t runs = 0;
  for (StringRef wide : openDims(recurrence))
    for (Memory memory : allMemories)
      for (bool isMixed : {false, true}) {
        std::map<std::string, int64_t> sizes = parameters.dims;
        for (StringRef name : openDims(recurrence))
          sizes[name.str()] = name == wide ? 19 : name == recurrence.getScan() ? 3 : 2;
        bool withStates = ++runs % 2;
        SCOPED_TRACE(sizesText(sizes) + ", memory " + std::to_string(int(memory)) + (isMixed ? " mixed" : "") +
                     (withStates ? ", states given" : ""));
        InterpreterArguments arguments = argumentsFor(recurrence, GetParam(), sizes, withStates, runs);
        auto expected = interpret(recurrence, arguments);
        ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
        RunOptions options;
        options.finalStates = runs % 3;
        options.threads = 1 + runs % 2;
        options.memory = [&](size_t tensor) {
          return isMixed ? allMemories[(tensor * 3 + size_t(memory)) % std::size(allMemories)] : memory;
        };
        // f32 over 19 steps; sums of at most 7 products.
        runAndCompare(**kernel, recurrence, arguments, *expected, options);
        if (HasFatalFailure())
          return;
      }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelMemory, testing::ValuesIn(libraryModels()),
                         [](const auto &info) { return info.param; });
