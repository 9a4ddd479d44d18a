// Bundles on this processor: which code is taken, how it is loaded, and what it computes.

#include "runtime/CpuDevice.h"
#include "CpuKernelRun.h"
#include "codegen/bundle/BundleWriter.h"
#include "passes/Specialize.h"
#include "runtime/Api.h"
#include "runtime/Compare.h"
#include "runtime/CpuFeatures.h"
#include "test/support/RandomArguments.h"
#include "llvm/TargetParser/Host.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Features = std::set<std::string, std::less<>>;

/// A bundle of a model of the library, with its code for processors.
WrittenBundle compileModel(const std::string &model, const SpecializeParameters &parameters,
                           const std::vector<std::string> &targets, const std::string &schedule = "auto",
                           bool anyStrides = false) {
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
  EXPECT_TRUE(static_cast<bool>(description)) << description.errors;
  EXPECT_TRUE(prepare(description, parameters));
  BundleOptions options;
  options.compiler = "ssmc 0";
  options.schedule = schedule;
  options.anyStrides = anyStrides;
  options.targets = llvm::cantFail(parseBundleTargets(targets));
  auto bundle = compileBundle({{description.recurrence()}}, options);
  if (!bundle)
    ADD_FAILURE() << llvm::toString(bundle.takeError());
  return bundle ? std::move(*bundle) : WrittenBundle();
}

/// Targets of the programs that a processor with these features takes.
std::set<std::string> takenBy(const Bundle &bundle, const Features &features) {
  std::unique_ptr<Device> device;
  ssm_error error;
  std::set<std::string> targets;
  if (CpuDevice::prepare(bundle, 1, "", features, device, &error))
    return {error.message};
  const std::vector<Manifest::Program> &programs = bundle.manifest.functions[0].programs;
  for (size_t number = 0; number < programs.size(); ++number)
    if (!device->program(0, number).kernels.empty())
      targets.insert(programs[number].target);
  return targets;
}
} // namespace

TEST(CpuFeatures, AreThoseThatLlvmFindsHere) {
  const Features found = hostCpuFeatures();
  llvm::StringMap<bool> expected = llvm::sys::getHostCPUFeatures();
  for (std::string_view name : knownCpuFeatures())
    EXPECT_EQ(found.count(name), size_t(expected.lookup(llvm::StringRef(name)))) << name;
}

TEST(CpuDevice, TakesCodeWhoseFeaturesAreThere) {
  const WrittenBundle written = compileModel("rglru", {}, {"cpu"});
  Result<Bundle> bundle = makeBundle(written.files);
  ASSERT_TRUE(static_cast<bool>(bundle)) << bundle.error();
  // The wider one is the first that a program finds.
  EXPECT_EQ(bundle->manifest.functions[0].programs[0].target, "cpu:x86-64-v4");
  const std::vector<std::string> &wide = bundle->manifest.functions[0].programs[0].features;
  Features all(wide.begin(), wide.end());
  EXPECT_EQ(takenBy(*bundle, all), (std::set<std::string>{"cpu:x86-64-v3", "cpu:x86-64-v4"}));
  all.erase("avx512dq");
  EXPECT_EQ(takenBy(*bundle, all), std::set<std::string>{"cpu:x86-64-v3"});
  all.erase("fma");
  EXPECT_EQ(takenBy(*bundle, all),
            std::set<std::string>{"the bundle has no code for this processor: that for cpu:x86-64-v3 needs fma"});
  for (Manifest::Program &program : bundle->manifest.functions[0].programs)
    program.target = "sm_90";
  EXPECT_EQ(takenBy(*bundle, all), std::set<std::string>{"the bundle has no code for processors"});
}

TEST(CpuDevice, RefusesCodeThatIsNone) {
  WrittenBundle written = compileModel("rglru", {}, {"cpu:x86-64-v3"});
  Result<Bundle> bundle = makeBundle(written.files);
  ASSERT_TRUE(static_cast<bool>(bundle)) << bundle.error();
  const Features features = hostCpuFeatures();
  if (!features.count("avx2"))
    GTEST_SKIP() << "this processor has no AVX2";
  std::unique_ptr<Device> device;
  ssm_error error;
  Bundle other = *bundle;
  other.manifest.functions[0].programs[0].kernels[0].entry = "none";
  EXPECT_EQ(CpuDevice::prepare(other, 1, "", features, device, &error), SSM_BAD_BUNDLE);
  EXPECT_NE(std::string(error.message).find("there is no kernel 'none' in it"), std::string::npos) << error.message;
  other = *bundle;
  other.manifest.functions[0].programs[0].kernels[0].arguments.pop_back();
  EXPECT_EQ(CpuDevice::prepare(other, 1, "", features, device, &error), SSM_BAD_BUNDLE);
  EXPECT_NE(std::string(error.message).find("does not take the"), std::string::npos) << error.message;
  for (const char *bytes : {"", "no code",
                            "\x7f"
                            "ELF"}) {
    for (auto &[name, content] : other.files)
      content = bytes;
    EXPECT_EQ(CpuDevice::prepare(other, 1, "", features, device, &error), SSM_BAD_BUNDLE);
    EXPECT_NE(std::string(error.message).find("the code cannot be loaded"), std::string::npos) << error.message;
  }
}

TEST(CpuDevice, LoadsEachCodeByItself) {
  const Features features = hostCpuFeatures();
  if (!features.count("avx2"))
    GTEST_SKIP() << "this processor has no AVX2";
  // The loader knows objects by names, which must not return while they are loaded.
  std::vector<std::unique_ptr<SharedObject>> objects;
  std::set<void *> found;
  std::vector<std::string> codes;
  for (const char *model : {"rglru", "mingru", "ema2"})
    for (auto &[name, content] : compileModel(model, {}, {"cpu:x86-64-v3"}).files)
      if (llvm::StringRef(name).ends_with("unit.so"))
        codes.push_back(content);
  ASSERT_EQ(codes.size(), 3u);
  for (int round = 0; round < 3; ++round) {
    for (size_t number = 0; number < codes.size(); ++number) {
      auto object = SharedObject::load(codes[number]);
      ASSERT_TRUE(static_cast<bool>(object)) << object.error();
      const char *entries[] = {"rglru_forward_tasks", "mingru_forward_tasks", "ema2_forward_tasks"};
      for (size_t other = 0; other < codes.size(); ++other)
        EXPECT_EQ((*object)->find(entries[other]) != nullptr, other == number);
      if (number != 1) // the middle one closes, so that its number is given again
        objects.push_back(std::move(*object));
    }
  }
}

TEST(ThreadPool, RunsEveryTaskOnceForManyCallers) {
  struct Counts {
    std::vector<std::atomic<int>> of;
    explicit Counts(size_t tasks) : of(tasks) {}
  };
  for (unsigned threads : {1u, 2u, 5u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<std::thread> callers;
    std::atomic<bool> isRight = true;
    for (int caller = 0; caller < 6; ++caller)
      callers.emplace_back([&, caller] {
        for (int64_t tasks : {0, 1, 2, 3, 7, 100, 1001}) {
          Counts counts(tasks);
          const uint64_t words[] = {reinterpret_cast<uintptr_t>(&counts), uint64_t(caller)};
          pool.run(
              [](const uint64_t *words, int64_t begin, int64_t end) {
                for (; begin < end; ++begin)
                  ++reinterpret_cast<Counts *>(words[0])->of[begin];
              },
              words, tasks);
          for (const std::atomic<int> &count : counts.of)
            if (count != 1)
              isRight = false;
        }
      });
    for (std::thread &caller : callers)
      caller.join();
    EXPECT_TRUE(isRight);
  }
}

namespace {
/// Opens a written bundle through a file, as programs do.
struct OpenBundle {
  explicit OpenBundle(const WrittenBundle &written) {
    const std::string path =
        (std::filesystem::path(testing::TempDir()) / ("ssm-cpu-" + std::to_string(getpid()) + ".ssmb")).string();
    std::ofstream(path, std::ios::binary) << packArchive(written.files);
    EXPECT_EQ(ssm_open(path.c_str(), &bundle, &error), SSM_OK) << error.message;
    std::filesystem::remove(path);
  }
  ~OpenBundle() { ssm_close(bundle); }
  ssm_bundle *bundle = nullptr;
  ssm_error error{};
};

/// Runs a bundle's only function on arguments that are drawn, beside the interpreter.
void compareWithInterpreter(const std::string &model, const std::string &target, const std::string &schedule,
                            int64_t steps) {
  SCOPED_TRACE(model + " " + target + " " + schedule + " " + std::to_string(steps));
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike()) {
      const std::string name = dim.getName().str();
      parameters.dims[name] = name == recurrence.getScan() ? steps : dim.getSize() ? 7 : 5;
    }
  ASSERT_TRUE(prepare(description, parameters));
  const std::map<std::string, int64_t> all(parameters.dims.begin(), parameters.dims.end());
  RandomArgumentsOptions options;
  options.optionalInputs = options.states = 100;
  options.magnitude = 0.5;
  InterpreterArguments arguments = randomArguments(recurrence, all, /*seed=*/steps + 1, options);
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());

  OpenBundle open(compileModel(model, parameters, {target}, schedule));
  ASSERT_TRUE(open.bundle);
  ASSERT_EQ(ssm_prepare_cpu(open.bundle, 3, &open.error), SSM_OK) << open.error.message;
  const ssm_function *function = ssm_find(open.bundle, "forward", 0);
  const Manifest::Function &manifest = function->manifest();
  std::vector<int64_t> sizes;
  for (const Manifest::Dim &dim : manifest.dims)
    sizes.push_back(parameters.dims.at(manifest.dims[dim.extent].name));
  std::vector<Tensor> tensors;
  std::vector<ssm_tensor> given;
  for (const Manifest::Tensor &tensor : manifest.tensors) {
    Shape shape(tensor.rank());
    ASSERT_EQ(ssm_tensor_shape(function, tensors.size(), sizes.data(), shape.data(), &open.error), SSM_OK);
    auto &from = tensor.role == Manifest::Role::Input ? arguments.inputs : arguments.states;
    const bool isGiven = tensor.role == Manifest::Role::Input || tensor.role == Manifest::Role::InitialState;
    tensors.push_back(isGiven ? from.at(tensor.name).convert(tensor.dtype) : Tensor::zeros(tensor.dtype, shape));
  }
  for (Tensor &tensor : tensors)
    given.push_back({tensor.data(), tensor.strides().data()});
  size_t bytes = 0;
  ASSERT_EQ(ssm_workspace(function, sizes.data(), &bytes, &open.error), SSM_OK) << open.error.message;
  auto *workspace = static_cast<char *>(std::aligned_alloc(256, bytes + 256));
  std::memset(workspace, 0, bytes);
  ssm_call call = {sizes.data(), given.data(), nullptr, workspace, bytes, SSM_CPU, nullptr};
  EXPECT_EQ(ssm_launch(function, &call, &open.error), SSM_OK) << open.error.message;
  if (bytes) {
    call.workspace = workspace + 64;
    EXPECT_EQ(ssm_launch(function, &call, &open.error), SSM_BAD_ARGUMENT);
    EXPECT_STREQ(open.error.message, "the workspace is not aligned to 256 bytes");
  }
  std::free(workspace);
  for (size_t number = 0; number < tensors.size(); ++number) {
    const Manifest::Tensor &tensor = manifest.tensors[number];
    if (tensor.role != Manifest::Role::Output && tensor.role != Manifest::Role::FinalState)
      continue;
    const auto &reference = tensor.role == Manifest::Role::Output ? expected->outputs : expected->states;
    Result<double> error = relativeError(tensors[number], reference.at(tensor.name));
    ASSERT_TRUE(static_cast<bool>(error)) << error.error();
    // As for a kernel in this process: float32's own rounding over so few steps.
    EXPECT_LE(*error, 2e-5) << tensor.name;
  }
}
} // namespace

TEST(CpuDevice, ComputesWhatTheInterpreterDoes) {
  if (!hostCpuFeatures().count("avx2"))
    GTEST_SKIP() << "this processor has no AVX2";
  for (const std::string &model : libraryModels())
    compareWithInterpreter(model, "cpu:x86-64-v3", "auto", 37);
  // Three passes over chunks; blocks of steps and what is left of them.
  for (int64_t steps : {0, 8, 37}) {
    compareWithInterpreter("rglru", "cpu:x86-64-v3", "channel=grid,lane:4; time=grid:7", steps);
    compareWithInterpreter("gla", "cpu:x86-64-v3", "value=grid,lane:8; time=loop:16,reg:8; key=loop,reg:1", steps);
    compareWithInterpreter("mamba2", "cpu:x86-64-v3", "headdim=grid,lane:8; time=loop:12,reg:4; state=loop,reg:1",
                           steps);
  }
}
