// Bundles: the archive, the manifest, and what is refused.

#include "runtime/Bundle.h"
#include "runtime/CudaDevice.h"
#include "runtime/Plan.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace ssm;
namespace fs = std::filesystem;

namespace {
/// A bundle that says little: y[batch, time] of x[batch, time] and a state, by one kernel a chunk.
Manifest smallManifest() {
  using Kind = Manifest::Argument::Kind;
  Manifest manifest;
  manifest.compiler = "ssmc 0";
  manifest.model = "small";
  manifest.description = "recurrence small { }";
  Manifest::Function &function = manifest.functions.emplace_back();
  function.mode = "forward";
  function.dims = {{"batch", std::nullopt, 0}, {"time", std::nullopt, 1}, {"state", 4, 2}};
  function.scan = 1;
  function.tensors = {{Manifest::Role::Input, "x", DType::BF16, {{0}, {1}}},
                      {Manifest::Role::Output, "y", DType::F32, {{0}, {1}}},
                      {Manifest::Role::InitialState, "h", DType::F32, {{0}, {2}}, 2},
                      {Manifest::Role::FinalState, "h", DType::F32, {{0}, {2}}, 2, true}};
  function.parameters = {{"scale", 0.1}};
  for (bool unit : {true, false}) {
    Manifest::Program &program = function.programs.emplace_back();
    program.target = "sm_90";
    program.unitStrides = unit;
    if (unit) {
      program.alignments = {{0, 16}};
      program.multiples = {{1, 4}};
    }
    program.bound = 2e-5;
    program.code = {{"cubin", "a.cubin"}, {"ptx", "a.ptx"}};
    program.counts = {{"chunks", {1, 8, 1}}};
    program.buffers = {{"after.h", DType::F32, {{3}, {0}, {2}}}, {"more", DType::F64, {{3}}}};
    program.kernels = {{"k",
                        64,
                        0,
                        100,
                        {{0, 1, 0}, {1, 8, 1}},
                        {{Kind::Tensor, 0},
                         {Kind::Tensor, 1},
                         {Kind::Tensor, 2},
                         {Kind::Buffer, 1},
                         {Kind::Absent, 1},
                         {Kind::Parameter, 0},
                         {Kind::Size, 3},
                         {Kind::Tasks, 0}}}};
  }
  return manifest;
}

ArchiveFiles smallBundle() { return bundleFiles(smallManifest(), {{"a.cubin", "code"}, {"a.ptx", ""}}); }

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expectRefused(const std::string &manifest, const std::string &why) {
  Result<Manifest> read = parseManifest(manifest);
  ASSERT_FALSE(static_cast<bool>(read)) << why;
  EXPECT_NE(read.error().find(why), std::string::npos) << read.error();
}
} // namespace

TEST(Archive, HasTheChecksumOfZipFiles) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32(""), 0u);
}

TEST(Archive, GivesBackWhatWasPacked) {
  const ArchiveFiles files = {{"a", "one"}, {"b.ptx", std::string("\0PK\3\4", 5)}, {"empty", ""}};
  Result<ArchiveFiles> read = unpackArchive(packArchive(files));
  ASSERT_TRUE(static_cast<bool>(read)) << read.error();
  EXPECT_EQ(*read, files);
}

TEST(Archive, RefusesEveryFlippedBitAndEveryTruncation) {
  const std::string bytes = packArchive({{"a", "some content"}, {"b", "more"}});
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    ASSERT_FALSE(static_cast<bool>(unpackArchive(flipped))) << "bit " << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(static_cast<bool>(unpackArchive(std::string_view(bytes).substr(0, size)))) << "size " << size;
  EXPECT_FALSE(static_cast<bool>(unpackArchive(bytes + "x")));
}

TEST(Bundle, IsReadFromAFileAndFromAFolder) {
  const fs::path folder = fs::path(testing::TempDir()) / ("ssm-bundle-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const ArchiveFiles files = smallBundle();
  for (const auto &[name, content] : files)
    std::ofstream(folder / name, std::ios::binary) << content;
  const fs::path file = folder.string() + ".ssmb";
  std::ofstream(file, std::ios::binary) << packArchive(files);
  for (const fs::path &path : {folder, file}) {
    Result<Bundle> bundle = openBundle(path.string());
    ASSERT_TRUE(static_cast<bool>(bundle)) << bundle.error();
    EXPECT_EQ(printManifest(bundle->manifest), files.at("manifest.json"));
    EXPECT_EQ(bundle->files.at("a.cubin"), "code");
  }
  std::ofstream(folder / "a.cubin") << "cod3";
  EXPECT_NE(openBundle(folder.string()).error().find("not the one"), std::string::npos);
  fs::remove(folder / "a.cubin");
  EXPECT_NE(openBundle(folder.string()).error().find("'a.cubin' is missing"), std::string::npos)
      << openBundle(folder.string()).error();
  fs::remove_all(folder);
  fs::remove(file);
  EXPECT_FALSE(static_cast<bool>(openBundle(file.string())));
}

TEST(Manifest, IsRefusedWithThePlaceThatIsWrong) {
  const std::string text = smallBundle().at("manifest.json");
  EXPECT_TRUE(static_cast<bool>(parseManifest(text)));
  expectRefused("[]", "it is no object");
  expectRefused("{", "not JSON");
  expectRefused(replaced(text, "\"major\": 1", "\"major\": 2"), "of version 2; this program reads version 1");
  expectRefused(replaced(text, "\"tile\": 8", "\"tile\": 0"), "functions[0].programs[0].counts[0].tile: expected");
  expectRefused(replaced(text, "\"size\": 4", "\"size\": -4"), "functions[0].dims[2].size: expected");
  expectRefused(replaced(text, "\"threads\": 64", "\"threads\": 2048"), "kernels[0].threads");
  expectRefused(replaced(text, "\"dynamic\": 100", "\"dynamic\": 1e300"), "shared_memory.dynamic");
  expectRefused(
      replaced(text, "\"kind\": \"buffer\",\n         \"name\": \"more\"", "\"kind\": \"buffer\", \"name\": \"most\""),
      "there is no buffer 'most'");
  expectRefused(replaced(text, "\"dtype\": \"bf16\"", "\"dtype\": \"f8\""), "no such type");
  expectRefused(replaced(text, "\"mode\": \"forward\",", ""), "there is no field 'mode'");
  expectRefused(replaced(text, "\"name\": \"batch\"", "\"name\": \"time\""), "'time' is named twice");
}

TEST(Manifest, RefusesFilesOutsideTheBundle) {
  for (const char *name : {"../a", "/etc/passwd", ".a", "a b", "manifest.json"}) {
    Manifest manifest = smallManifest();
    manifest.files = {{"a.cubin", 1, 2}, {"a.ptx", 1, 2}, {name, 1, 2}};
    expectRefused(printManifest(manifest), name == std::string("a b") ? "expected a name" : "is no name of a file");
  }
}

TEST(Plan, HasTheManifestsArguments) {
  Manifest manifest = smallManifest();
  const Manifest::Function &function = manifest.functions[0];
  const Manifest::Program &program = function.programs[0];
  const int64_t sizes[] = {3, 17, 4}, xStrides[] = {17, 1}, yStrides[] = {20, 1};
  uint16_t x;
  float y;
  char workspace[16];
  const ssm_tensor tensors[] = {{&x, xStrides}, {&y, yStrides}, {nullptr, nullptr}, {nullptr, nullptr}};
  Plan plan;
  ssm_error error;
  ASSERT_EQ(plan.begin(function, program, sizes, &error), SSM_OK);
  // Three chunks: 3·3·4 floats, then 3 doubles from the next multiple of 256 on.
  EXPECT_EQ(plan.size(3), 3);
  EXPECT_EQ(plan.workspace(), 512u);
  const ssm_call call = {sizes, tensors, nullptr, workspace, 512, 0, nullptr};
  ASSERT_EQ(checkCall(function, sizes, call, &error), SSM_OK);
  int64_t tasks;
  uint64_t words[Plan::maxWords];
  size_t count;
  ASSERT_EQ(plan.launch(program.kernels[0], call, tasks, words, count, &error), SSM_OK);
  EXPECT_EQ(tasks, 9);
  const double scale = 0.1;
  uint64_t bits;
  std::memcpy(&bits, &scale, sizeof bits);
  const auto at = [](const void *pointer) { return reinterpret_cast<uint64_t>(pointer); };
  const std::vector<uint64_t> expected = {at(&x), 17, 1, at(&y), 20, 1, 0, 0, 0, 0, at(workspace) + 256,
                                          1,      0,  0, bits,   3,  9};
  EXPECT_EQ(std::vector<uint64_t>(words, words + count), expected);
}

TEST(Plan, RefusesSizesAndTensorsThatDoNotFit) {
  Manifest manifest = smallManifest();
  const Manifest::Function &function = manifest.functions[0];
  Plan plan;
  ssm_error error;
  const int64_t negative[] = {3, -1, 4}, other[] = {3, 5, 5}, huge[] = {int64_t(1) << 61, int64_t(1) << 61, 4};
  for (const int64_t *sizes : {negative, other, huge})
    EXPECT_EQ(plan.begin(function, function.programs[0], sizes, &error), SSM_BAD_ARGUMENT) << error.message;
  const int64_t sizes[] = {3, 5, 4}, strides[] = {5, 1, 1};
  float data;
  ssm_tensor tensors[] = {{&data, strides}, {nullptr, strides}, {&data, strides}, {&data, strides}};
  const ssm_call call = {sizes, tensors, nullptr, nullptr, 0, 0, nullptr};
  EXPECT_EQ(checkCall(function, sizes, call, &error), SSM_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "the tensor 'y' is missing");
  tensors[1].data = &data;
  EXPECT_EQ(checkCall(function, sizes, call, &error), SSM_OK);
  manifest.functions[0].tensors[3].inPlace = false;
  EXPECT_EQ(checkCall(function, sizes, call, &error), SSM_BAD_ARGUMENT);
}

TEST(Plan, ChoosesCodeByHowTensorsLieInMemory) {
  const Manifest manifest = smallManifest();
  const Manifest::Function &function = manifest.functions[0];
  alignas(16) char data[64];
  int64_t sizes[] = {3, 16, 4};
  const int64_t dense[] = {16, 1}, odd[] = {17, 1}, far[] = {64, 2}, state[] = {8, 2, 1};
  const bool both[] = {true, true}, second[] = {false, true};
  const auto chosen = [&](const int64_t *strides, const void *x, const bool *usable) -> int64_t {
    const ssm_tensor tensors[] = {{const_cast<void *>(x), strides}, {data, dense}, {data, state}, {nullptr, nullptr}};
    const ssm_call call = {sizes, tensors, nullptr, nullptr, 0, 0, nullptr};
    const Manifest::Program *program = chooseProgram(function, sizes, call, usable);
    return program ? program - function.programs.data() : -1;
  };
  EXPECT_EQ(chosen(dense, data, both), 0);
  EXPECT_EQ(chosen(dense, data, second), 1);
  EXPECT_EQ(chosen(dense, data + 2, both), 1);
  EXPECT_EQ(chosen(odd, data, both), 1);
  EXPECT_EQ(chosen(far, data, both), 1);
  sizes[1] = 18;
  EXPECT_EQ(chosen(dense, data, both), 1);
}

TEST(CudaDevice, TakesCodeThatRunsOnItsArchitecture) {
  const auto kinds = [](const char *target, int major, int minor) {
    Manifest::Program program = smallManifest().functions[0].programs[0];
    program.target = target;
    std::string text;
    for (const Manifest::Code *code : codeFor(program, major, minor))
      text += code->kind + " ";
    return text;
  };
  EXPECT_EQ(kinds("sm_90", 9, 0), "cubin ptx ");
  EXPECT_EQ(kinds("sm_80", 8, 6), "cubin ptx ");
  EXPECT_EQ(kinds("sm_86", 8, 0), "");
  EXPECT_EQ(kinds("sm_90", 10, 0), "ptx ");
  EXPECT_EQ(kinds("sm_90a", 9, 0), "cubin ptx ");
  EXPECT_EQ(kinds("sm_90a", 10, 0), "");
  EXPECT_EQ(kinds("sm_100", 9, 0), "");
  EXPECT_EQ(kinds("cpu", 9, 0), "");
  EXPECT_EQ(kinds("sm_9x", 9, 0), "");
}

TEST(CudaDevice, SaysThatThereIsNoDriver) {
  if (dlopen("libcuda.so.1", RTLD_LAZY))
    GTEST_SKIP() << "there is a driver here";
  Result<Bundle> bundle = makeBundle(smallBundle());
  ASSERT_TRUE(static_cast<bool>(bundle)) << bundle.error();
  std::unique_ptr<Device> device;
  ssm_error error;
  EXPECT_EQ(CudaDevice::prepare(*bundle, 0, "", device, &error), SSM_NO_DEVICE);
  EXPECT_NE(std::string(error.message).find("there is no CUDA driver here"), std::string::npos);
}
