// What the runtime starts kernels with, from a manifest's text alone, beside what this process starts them with.

#include "CpuKernelRun.h"
#include "codegen/bundle/Describe.h"
#include "codegen/lowering/CompileTarget.h"
#include "passes/Specialize.h"
#include "runtime/CudaDevice.h"
#include "runtime/Plan.h"
#include "test/support/RandomArguments.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Role = KernelTensor::Role;

/// The tensor of a call that a manifest's stands for; null where it is left out.
const Tensor *tensorOf(const KernelArguments &call, const Manifest::Tensor &tensor) {
  const auto &from = tensor.role == Manifest::Role::Input          ? call.inputs
                     : tensor.role == Manifest::Role::Output       ? call.outputs
                     : tensor.role == Manifest::Role::InitialState ? call.initialStates
                                                                   : call.finalStates;
  auto it = from.find(tensor.name);
  return it == from.end() ? nullptr : &it->second;
}

/// Words of all kernels, those of tensors in the workspace as offsets from its beginning.
struct Words {
  std::vector<std::vector<uint64_t>> kernels;
  std::vector<int64_t> tasks;
};

Words byRuntime(const Manifest::Function &function, const Manifest::Program &program, const KernelArguments &call,
                bool &isChosen) {
  std::vector<int64_t> sizes;
  for (const Manifest::Dim &dim : function.dims)
    sizes.push_back(call.sizes.at(function.dims[dim.extent].name));
  std::vector<ssm_tensor> tensors;
  for (const Manifest::Tensor &tensor : function.tensors) {
    const Tensor *given = tensorOf(call, tensor);
    tensors.push_back(given ? ssm_tensor{const_cast<void *>(given->data()), given->strides().data()}
                            : ssm_tensor{nullptr, nullptr});
  }
  Plan plan;
  ssm_error error = {};
  EXPECT_EQ(plan.begin(function, program, sizes.data(), &error), SSM_OK) << error.message;
  const ssm_call whole = {sizes.data(), tensors.data(), nullptr, nullptr, plan.workspace(), 0, nullptr};
  EXPECT_EQ(checkCall(function, sizes.data(), whole, &error), SSM_OK) << error.message;
  const bool isUsable = true;
  isChosen = chooseProgram(function, sizes.data(), whole, &isUsable) != nullptr;
  Words result;
  for (const Manifest::Kernel &kernel : program.kernels) {
    std::vector<uint64_t> words(Plan::maxWords);
    size_t count = 0;
    EXPECT_EQ(plan.launch(kernel, whole, result.tasks.emplace_back(), words.data(), count, &error), SSM_OK)
        << error.message;
    words.resize(count);
    result.kernels.push_back(std::move(words));
  }
  return result;
}

/// The same through codegen/launch. Where an array between kernels stands is not the same: its place among the
/// buffers' offsets is compared instead.
void expectSame(const Words &words, const PreparedCall &call, const Lowered &lowered,
                const Manifest::Program &program) {
  ASSERT_EQ(words.kernels.size(), call.launches.size());
  std::map<uint64_t, uint64_t> places;
  std::set<uint64_t> workspace;
  for (const auto &[name, array] : call.workspace)
    workspace.insert(reinterpret_cast<uintptr_t>(array.data()));
  for (size_t number = 0; number < call.launches.size(); ++number) {
    const KernelLaunch &launch = call.launches[number];
    EXPECT_EQ(words.tasks[number], launch.tasks);
    if (launch.words.empty())
      continue; // no steps for this kernel
    std::vector<uint64_t> expected(launch.words.begin(), launch.words.end());
    if (!isForProcessor(program))
      expected.push_back(launch.tasks);
    std::vector<uint64_t> found = words.kernels[number];
    ASSERT_EQ(found.size(), expected.size());
    size_t word = 0;
    for (const KernelTensor &tensor : lowered.kernels[number].interface.tensors) {
      if (workspace.count(expected[word])) {
        // Equal addresses have equal offsets, and others others.
        auto [it, isNew] = places.try_emplace(expected[word], found[word]);
        EXPECT_EQ(it->second, found[word]) << tensor.name;
        expected[word] = found[word] = 0;
      }
      word += 1 + tensor.getRank();
    }
    EXPECT_EQ(found, expected) << lowered.kernels[number].name;
  }
  EXPECT_EQ(places.size(), workspace.size());
}

/// Tensors that are dense, for gap 0; whose rows begin at multiples of 64 elements; or whose strides are all odd ones.
KernelArguments argumentsWith(const Manifest::Function &function, const std::map<std::string, int64_t> &sizes,
                              int64_t gap, bool withStates) {
  KernelArguments call;
  call.sizes = sizes;
  for (const Manifest::Tensor &tensor : function.tensors) {
    if (tensor.isState() && !withStates)
      continue;
    Shape shape;
    for (const auto &axis : tensor.layout) {
      shape.push_back(1);
      for (size_t part : axis)
        shape.back() *= sizes.at(function.dims[function.dims[part].extent].name);
    }
    if (tensor.depth > 1)
      shape.push_back(tensor.depth);
    Shape strides = contiguousStrides(shape);
    for (size_t axis = 0; axis < strides.size(); ++axis)
      if (gap == 64 && axis + 1 < strides.size())
        strides[axis] = 64 * (axis + 1);
      else if (gap == 100)
        strides[axis] += 100 * (axis + 1);
    auto storage = std::make_shared<Tensor>(Tensor::zeros(tensor.dtype, {1}));
    Tensor given = Tensor::wrap(tensor.dtype, shape, strides, storage, storage->data());
    auto &into = tensor.role == Manifest::Role::Input          ? call.inputs
                 : tensor.role == Manifest::Role::Output       ? call.outputs
                 : tensor.role == Manifest::Role::InitialState ? call.initialStates
                                                               : call.finalStates;
    into.emplace(tensor.name, given);
  }
  return call;
}

void compare(const std::string &file, const std::string &schedule, int64_t steps, const char *targetName = "sm_90") {
  SCOPED_TRACE(file + " " + targetName + " " + schedule + " " + std::to_string(steps));
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + file);
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  std::map<std::string, int64_t> sizes;
  SpecializeParameters parameters;
  // Batch and time are arguments, other sizes known.
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike()) {
      const std::string name = dim.getName().str();
      sizes[name] = name == recurrence.getScan() ? steps : dim.getSize() ? 7 : 5;
      if (name != recurrence.getScan() && name != "batch")
        parameters.dims[name] = sizes[name];
    }
  ASSERT_TRUE(prepare(description, parameters));
  auto target = parseTarget(targetName);
  ASSERT_TRUE(static_cast<bool>(target));
  auto lowered = lower(recurrence, {*target, schedule, /*packed=*/true, {}}, LoweringLevel::Kernels);
  ASSERT_TRUE(static_cast<bool>(lowered)) << llvm::toString(lowered.takeError());

  // Through the text, as a bundle has it.
  Manifest manifest;
  manifest.model = "m";
  manifest.functions.push_back(describeFunction(recurrence, *lowered));
  auto described = describeProgram(recurrence, *lowered, *target, manifest.functions.front());
  ASSERT_TRUE(static_cast<bool>(described)) << llvm::toString(described.takeError());
  described->unitStrides = true;
  manifest.functions.front().programs.push_back(*described);
  const std::string text = printManifest(manifest);
  Result<Manifest> read = parseManifest(text);
  ASSERT_TRUE(static_cast<bool>(read)) << read.error() << "\n" << text;
  EXPECT_EQ(printManifest(*read), text);
  const Manifest::Function &function = read->functions.front();

  // Dense, rows that begin at multiples of 16 bytes, and strides of which none is like another.
  for (int64_t gap : {0, 64, 100})
    for (bool withStates : {false, true}) {
      KernelArguments call = argumentsWith(function, sizes, gap, withStates);
      KeptOrder kept;
      auto expected = prepareCall(recurrence, lowered->kernels, call, kept);
      ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
      bool isChosen = false;
      expectSame(byRuntime(function, function.programs.front(), call, isChosen), *expected, *lowered,
                 function.programs.front());
      // Where nothing is read the runtime asks for nothing.
      if (steps > 0) {
        EXPECT_EQ(isChosen, expected->packed) << "gap " << gap;
      }
      if (testing::Test::HasFatalFailure())
        return;
    }
}
} // namespace

TEST(RuntimePlan, StartsKernelsAsThisProcessDoes) {
  for (const std::string &model : libraryModels())
    compare(model + ".ssm", "auto", 41);
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=loop; state=lane:4,reg:2"},
      {"mamba1.ssm", "member=grid; time=grid:24,thread:3,lane:2,reg:2; state=lane:4,reg"},
      {"mamba1.ssm", "member=grid:8,loop,thread:2; time=loop; state=reg"},
      {"gla.ssm", "value=grid,thread:2; time=grid:12; key=lane:4,reg"},
      {"ema2.ssm", "channel=grid,thread:32; time=grid:7"},
      {"rglru.ssm", "channel=grid,thread:32; time=grid:7"},
      {"s4.ssm", "channel=grid,lane:4; time=grid:20; state=reg; col=reg"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop,reg:4; state=reg"},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:16,loop:8,reg:4; state=lane:2,reg; load=staged; store=staged"},
      {"s4.ssm", "channel=grid,lane:4; time=grid:20; state=reg; col=reg; scan=passes"},
      {"gla.ssm", "value=grid,thread:2; time=grid:12; key=lane:4,reg; scan=passes"},
      {"rglru.ssm", "channel=grid,thread:32; time=grid:7; scan=passes"},
  };
  for (auto [file, schedule] : schedules)
    for (int64_t steps : {0, 1, 41, 240})
      compare(file, schedule, steps);
}

TEST(RuntimePlan, StartsAProcessorsKernelsAsThisProcessDoes) {
  constexpr const char *target = "cpu:x86-64-v3";
  for (const std::string &model : libraryModels())
    compare(model + ".ssm", "auto", 41, target);
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,lane:8; time=grid:16,loop:8; state=reg"},
      {"rglru.ssm", "channel=grid,lane:8; time=grid:7"},
      // Blocks of steps, and what is left of them.
      {"gla.ssm", "value=grid,lane:8; time=loop:16,reg:8; key=loop,reg:1"},
      {"mamba2.ssm", "headdim=grid,lane:8; time=loop:12,reg:4; state=loop,reg:1"},
      {"retnet.ssm", "value=grid,lane:8; time=loop:16,reg:8; key=loop,reg:1"},
  };
  for (auto [file, schedule] : schedules)
    for (int64_t steps : {0, 1, 7, 8, 41, 240})
      compare(file, schedule, steps, target);
}
