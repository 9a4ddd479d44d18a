// Mamba-1's forward on one thread beside the scalar loop, in turn in one process: batch 1, member 2048, state 16, time
// 1024, no gate. Prints medians and their ratio; ends with status 1 if the results differ. An argument sets the number
// of repetitions.

#include "bench/peers/scalar/mamba1.h"
#include "codegen/cpu/CpuKernel.h"
#include "frontend/Frontend.h"
#include "passes/Specialize.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

using namespace ssm;

namespace {
constexpr long channels = 2048, states = 16, steps = 1024;

Tensor randomTensor(Shape shape, float low, float high, std::mt19937 &random) {
  Tensor tensor = Tensor::zeros(DType::F32, std::move(shape));
  std::uniform_real_distribution<float> values(low, high);
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    tensor.dataAs<float>()[i] = values(random);
  return tensor;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <typename Work> double seconds(Work work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

CpuArguments makeArguments() {
  std::mt19937 random(1);
  CpuArguments arguments;
  arguments.inputs = {{"u", randomTensor({1, channels, steps}, -1, 1, random)},
                      {"delta", randomTensor({1, channels, steps}, -3, 0, random)},
                      {"A", randomTensor({channels, states}, -2, -0.1f, random)},
                      {"B", randomTensor({1, 1, states, steps}, -1, 1, random)},
                      {"C", randomTensor({1, 1, states, steps}, -1, 1, random)},
                      {"D", randomTensor({channels}, -1, 1, random)},
                      {"delta_bias", randomTensor({channels}, -1, 0, random)}};
  arguments.outputs = {{"y", Tensor::zeros(DType::F32, {1, channels, steps})}};
  arguments.sizes = {{"batch", 1}, {"group", 1}, {"member", channels}, {"state", states}, {"time", steps}};
  return arguments;
}

/// The largest difference relative to the largest value.
double compare(const Tensor &value, const Tensor &reference) {
  double largest = 0, error = 0;
  for (int64_t i = 0; i < reference.numElements(); ++i) {
    largest = std::max<double>(largest, std::abs(reference.dataAs<float>()[i]));
    error = std::max<double>(error, std::abs(value.dataAs<float>()[i] - reference.dataAs<float>()[i]));
  }
  return error / largest;
}

int fail(llvm::Error error) {
  std::fprintf(stderr, "error: %s\n", llvm::toString(std::move(error)).c_str());
  return 1;
}
} // namespace

int main(int argc, char **argv) {
  const int repetitions = argc > 1 ? std::max(1, std::atoi(argv[1])) : 11;
  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  auto file = llvm::MemoryBuffer::getFile(SSM_SOURCE_DIR "/models/mamba1.ssm");
  if (!file)
    return fail(llvm::createStringError(file.getError(), "models/mamba1.ssm cannot be read"));
  sources.AddNewSourceBuffer(std::move(*file), {});
  auto module = parseSource(sources, &context);
  if (!module)
    return 1;
  RecurrenceOp recurrence = *module->getOps<RecurrenceOp>().begin();
  CpuArguments arguments = makeArguments();
  SpecializeParameters parameters;
  parameters.dims = {arguments.sizes.begin(), arguments.sizes.end()};
  parameters.without = {"z"};
  if (failed(specialize(recurrence, parameters)))
    return 1;
  auto kernel = compileForCpu(recurrence, "auto");
  if (!kernel)
    return fail(kernel.takeError());

  Tensor reference = Tensor::zeros(DType::F32, {1, channels, steps});
  auto in = [&](const char *name) { return arguments.inputs.at(name).dataAs<float>(); };
  ScalarMamba1 scalar{channels,
                      states,
                      steps,
                      in("u"),
                      in("delta"),
                      in("A"),
                      in("B"),
                      in("C"),
                      in("D"),
                      in("delta_bias"),
                      reference.dataAs<float>()};
  std::vector<double> ours, theirs;
  for (int i = 0; i < repetitions; ++i) {
    ours.push_back(seconds([&] {
      if (llvm::Error error = (*kernel)->run(arguments, 1))
        std::exit(fail(std::move(error)));
    }));
    theirs.push_back(seconds([&] { scalarMamba1(scalar); }));
  }
  double error = compare(arguments.outputs.at("y"), reference);
  std::printf(
      "mamba1 forward, batch 1, member %ld, state %ld, time %ld, no gate, one thread, medians of %d in turn\n"
      "ssmc (%s): %.3f ms\nscalar loop (-O3 -march=native): %.3f ms\nratio %.1f, largest relative difference %.1e\n",
      channels, states, steps, repetitions, (*kernel)->schedule().c_str(), median(ours) * 1e3, median(theirs) * 1e3,
      median(theirs) / median(ours), error);
  return error < 1e-4 ? 0 : 1;
}
