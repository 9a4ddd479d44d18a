// Bundles: damaged archives are refused, and what a changed manifest leads to stays inside its bounds.

#include "runtime/Bundle.h"
#include "runtime/CpuDevice.h"
#include "runtime/Plan.h"
#include "test/fuzz/Fuzz.h"
#include "test/fuzz/Mutation.h"

#include <algorithm>
#include <cstring>

using namespace ssm;
using namespace ssm::fuzz;
using ssm::test::Random;

namespace {
using Kind = Manifest::Argument::Kind;

const std::vector<std::string> &manifestWords() {
  static const std::vector<std::string> words = {"\"batch\"",
                                                 "\"time\"",
                                                 "\"chunks\"",
                                                 "\"input\"",
                                                 "\"final_state\"",
                                                 "\"buffer\"",
                                                 "\"size\"",
                                                 "\"tasks\"",
                                                 "\"absent\"",
                                                 "\"bf16\"",
                                                 "\"like\"",
                                                 "\"axes\"",
                                                 "\"depth\"",
                                                 "\"tile\"",
                                                 "\"of\"",
                                                 "null",
                                                 "true",
                                                 "-1",
                                                 "1.5",
                                                 "1e308",
                                                 "0",
                                                 "4096",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 ":",
                                                 "\"",
                                                 "\\u0000",
                                                 "\"../x\"",
                                                 "\"a.ptx\"",
                                                 "2147483648",
                                                 "\x80",
                                                 "[[",
                                                 "]]",
                                                 "\"steps\"",
                                                 "\"blocks_of\"",
                                                 "\"rest_of\"",
                                                 "\"between\"",
                                                 "\"step\"",
                                                 "\"cpu:x86-64-v3\"",
                                                 "\"shared_object\"",
                                                 "\"features\"",
                                                 "\"dtype\""};
  return words;
}

/// Layouts, counts and arguments drawn; all of it is right.
class ManifestMaker {
public:
  explicit ManifestMaker(Random &random) : random(random) {}

  Manifest make() {
    Manifest manifest;
    manifest.compiler = "ssmc";
    manifest.model = "drawn";
    Manifest::Function &function = manifest.functions.emplace_back();
    function.mode = "forward";
    const char *names[] = {"batch", "channel", "state", "time"};
    for (size_t dim = 0; dim < 4; ++dim)
      function.dims.push_back({names[dim], random.chance(20) ? std::optional<int64_t>(16) : std::nullopt, dim});
    if (random.chance(30))
      function.dims.push_back({"column", std::nullopt, 2});
    function.scan = 3;
    const Manifest::Role roles[] = {Manifest::Role::Input, Manifest::Role::Output, Manifest::Role::InitialState,
                                    Manifest::Role::FinalState};
    for (const Manifest::Role role : roles)
      for (uint64_t count = random.below(3); count > 0; --count)
        function.tensors.push_back({role, "t" + std::to_string(count), random.chance(50) ? DType::F32 : DType::BF16,
                                    layout(function.dims.size()), int64_t(1 + random.below(3)), random.chance(50)});
    if (random.chance(50))
      function.parameters.push_back({"scale", 0.25});
    for (uint64_t count = 1 + random.below(2); count > 0; --count)
      addProgram(function);
    return manifest;
  }

private:
  Manifest::Layout layout(size_t sizes) {
    Manifest::Layout axes(random.below(4));
    for (std::vector<size_t> &axis : axes)
      for (uint64_t parts = 1 + random.below(2); parts > 0; --parts)
        axis.push_back(random.below(sizes));
    return axes;
  }

  void addProgram(Manifest::Function &function) {
    Manifest::Program &program = function.programs.emplace_back();
    const bool isForProcessor = random.chance(40);
    program.target = isForProcessor ? "cpu:x86-64-v3" : "sm_90";
    program.unitStrides = random.chance(50);
    program.code = {{isForProcessor ? "shared_object" : "ptx", "a.ptx"}};
    if (random.chance(50) && isForProcessor)
      program.features = {"avx2", "fma"};
    size_t sizes = function.dims.size();
    if (random.chance(60)) {
      program.counts.push_back({"chunks", {3, int64_t(1 + random.below(100)), 1}});
      ++sizes;
    }
    for (uint64_t count = random.below(3); count > 0; --count)
      program.buffers.push_back({"b" + std::to_string(count), DType::F32, layout(sizes), 1});
    if (!function.tensors.empty() && random.chance(50))
      program.alignments.push_back({random.below(function.tensors.size()), 16});
    Manifest::Kernel &kernel = program.kernels.emplace_back();
    kernel.entry = "k";
    kernel.threads = 32;
    kernel.grid = {{0, 1, 1}, {random.below(sizes), int64_t(1 + random.below(64)), 0}};
    for (size_t tensor = 0; tensor < function.tensors.size(); ++tensor)
      kernel.arguments.push_back({Kind::Tensor, tensor});
    for (size_t buffer = 0; buffer < program.buffers.size(); ++buffer)
      kernel.arguments.push_back({Kind::Buffer, buffer});
    if (isForProcessor && random.chance(60))
      runPart(function, program);
    kernel.arguments.push_back({Kind::Absent, random.below(5)});
    kernel.arguments.push_back({Kind::Size, random.below(sizes)});
    kernel.arguments.push_back({Kind::Tasks, 0});
  }

  /// Makes the last kernel one of blocks of steps, or of what is left of them, where layouts allow that.
  void runPart(const Manifest::Function &function, Manifest::Program &program) {
    using Which = Manifest::Steps::Which;
    Manifest::Kernel &kernel = program.kernels.back();
    const bool isScannedOnGrid = std::any_of(kernel.grid.begin(), kernel.grid.end(),
                                             [&](const Manifest::Tiles &tiles) { return tiles.of == function.scan; });
    const bool isPart = std::any_of(function.tensors.begin(), function.tensors.end(), [&](const auto &tensor) {
      return !tensor.isState() && std::any_of(tensor.layout.begin(), tensor.layout.end(), [&](const auto &axis) {
        return axis.size() > 1 && std::find(axis.begin(), axis.end(), function.scan) != axis.end();
      });
    });
    if (isScannedOnGrid || isPart)
      return;
    kernel.steps = {random.chance(50) ? Which::Blocks : Which::Rest, int64_t(2 + random.below(8))};
    const bool isBlocks = kernel.steps.which == Which::Blocks;
    for (Manifest::Argument &argument : kernel.arguments) {
      if (argument.kind != Kind::Tensor)
        continue;
      const Manifest::Tensor &tensor = function.tensors[argument.index];
      if (!tensor.isState())
        argument.step = isBlocks ? random.below(kernel.steps.block) : 0;
      else if (tensor.role == (isBlocks ? Manifest::Role::FinalState : Manifest::Role::InitialState)) {
        argument.between = program.buffers.size();
        program.buffers.push_back({"between." + tensor.name, tensor.dtype, tensor.layout, tensor.depth});
      }
    }
  }

  Random &random;
};

class BundleTarget : public Target {
public:
  const char *name() const override { return "bundle"; }

  std::string run(uint64_t seed, int64_t index) override {
    Random random = randomOf(seed, ~index);
    const ArchiveFiles files = bundleFiles(ManifestMaker(random).make(), {{"a.ptx", "// code"}});
    if (Result<Bundle> bundle = makeBundle(files); !bundle)
      return "a good bundle is refused: " + bundle.error();
    const uint64_t kind = random.below(100);
    return kind < 30 ? damage(packArchive(files), random) : kind < 36 ? raise(files, random) : change(files, random);
  }

  std::string summary() const override {
    return std::to_string(damaged) + " damaged; " + std::to_string(raised) +
           " of other versions; of changed manifests " + std::to_string(refused) + " refused, " + std::to_string(read) +
           " read, of which " + std::to_string(launched) + " launches planned";
  }

  std::string judge(int64_t count) const override {
    if (read * 20 < count || refused * 20 < count || launched * 20 < count)
      return "the inputs are not a mixture: " + summary();
    return "";
  }

private:
  /// A file with other bytes is none.
  std::string damage(const std::string &bytes, Random &random) {
    std::string changed = bytes;
    if (random.chance(30))
      changed.resize(random.below(changed.size()));
    else
      for (uint64_t count = 1 + random.below(4); count > 0; --count)
        changed[random.below(changed.size())] ^= static_cast<char>(1 << random.below(8));
    ++damaged;
    if (changed == bytes)
      return "";
    Result<ArchiveFiles> files = unpackArchive(changed);
    if (files)
      return "a damaged archive is read";
    return judgeRefusal(files.error());
  }

  /// A newer major version is refused by that name; a newer minor one, which says more, is read.
  std::string raise(ArchiveFiles files, Random &random) {
    const bool isMajor = random.chance(50);
    const int64_t known = isMajor ? Manifest::majorVersion : Manifest::minorVersion;
    const std::string field = isMajor ? "\"major\": " : "\"minor\": ";
    const std::string from = field + std::to_string(known);
    const std::string to = field + std::to_string(known + 1 + random.below(1000)) + ", \"more\": [1, {}]";
    std::string &text = files["manifest.json"];
    const size_t at = text.find(from);
    if (at == std::string::npos)
      return "the manifest does not say its version";
    text.replace(at, from.size(), to);
    ++raised;
    Result<Bundle> bundle = makeBundle(std::move(files));
    if (bundle)
      return isMajor ? "a newer major version is read" : "";
    return !isMajor ? "a newer minor version is refused: " + bundle.error()
           : bundle.error().find("the bundle is of version") == std::string::npos
               ? "refused without that reason: " + bundle.error()
               : "";
  }

  /// A folder whose manifest someone has edited.
  std::string change(ArchiveFiles files, Random &random) {
    const std::string other = printManifest(ManifestMaker(random).make());
    const MutationSources sources = {other, manifestWords(), {{"[", "]"}, {"{\"a\":", "}"}}};
    std::string &text = files["manifest.json"];
    text = mutate(std::move(text), sources, random);
    Result<Bundle> bundle = makeBundle(std::move(files));
    if (!bundle) {
      ++refused;
      return judgeRefusal(bundle.error());
    }
    ++read;
    const std::string printed = printManifest(bundle->manifest);
    Result<Manifest> again = parseManifest(printed);
    if (!again || printManifest(*again) != printed)
      return "what was read is not what was printed";
    // The code is none: a processor's program is refused with what the loader says.
    std::unique_ptr<Device> device;
    ssm_error error = {};
    if (CpuDevice::prepare(*bundle, 1, "", {"avx2", "fma"}, device, &error) == SSM_OK || !error.message[0])
      return "what is no code is loaded, or refused without a reason";
    for (const Manifest::Function &function : bundle->manifest.functions)
      for (const Manifest::Program &program : function.programs)
        if (std::string failure = plan(function, program, random); !failure.empty())
          return failure;
    return "";
  }

  /// Sizes that the function may or may not take; a sanitizer watches.
  std::string plan(const Manifest::Function &function, const Manifest::Program &program, Random &random) {
    std::vector<int64_t> sizes;
    for (const Manifest::Dim &dim : function.dims)
      sizes.push_back(dim.extent < sizes.size() ? sizes[dim.extent]
                      : random.chance(3)        ? int64_t(1) << 62
                                                : dim.size.value_or(random.below(50)));
    const std::vector<int64_t> strides(40, 8);
    char data[16];
    std::vector<ssm_tensor> tensors(function.tensors.size(), {data, strides.data()});
    const ssm_call call = {sizes.data(), tensors.data(), nullptr, data, 1 << 30, 0, nullptr};
    ssm_error error;
    Plan plan;
    if (plan.begin(function, program, sizes.data(), &error) || checkCall(function, sizes.data(), call, &error))
      return judgeRefusal(error.message);
    const std::vector<char> isUsable(function.programs.size(), 1);
    chooseProgram(function, sizes.data(), call, reinterpret_cast<const bool *>(isUsable.data()));
    for (const Manifest::Kernel &kernel : program.kernels) {
      size_t expected = 0, count = 0;
      for (const Manifest::Argument &argument : kernel.arguments)
        expected += wordsOf(function, program, argument);
      std::vector<uint64_t> words(Plan::maxWords);
      int64_t tasks = -1;
      if (plan.launch(kernel, call, tasks, words.data(), count, &error))
        return judgeRefusal(error.message);
      ++launched;
      if (count != expected || tasks < 0)
        return "a launch has " + std::to_string(count) + " words and " + std::to_string(tasks) + " tasks";
    }
    return "";
  }

  int64_t damaged = 0, raised = 0, refused = 0, read = 0, launched = 0;
};
} // namespace

std::unique_ptr<Target> ssm::fuzz::makeBundleTarget() { return std::make_unique<BundleTarget>(); }
