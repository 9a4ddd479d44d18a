#include "runtime/Safetensors.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

using namespace ssm;

namespace {

std::string fileBytes(const std::string &header, const std::string &data = "") {
  const uint64_t size = header.size();
  std::string bytes(reinterpret_cast<const char *>(&size), sizeof size);
  return bytes + header + data;
}

/// Parses bytes that lie at the end of their allocation, so that a sanitizer sees any read past them. `shift` moves the
/// beginning away from alignment.
Result<Safetensors> parse(const std::string &bytes, size_t shift = 0) {
  auto owner = std::shared_ptr<char>(new char[bytes.size() + shift], std::default_delete<char[]>());
  std::memcpy(owner.get() + shift, bytes.data(), bytes.size());
  return parseSafetensors(owner, owner.get() + shift, bytes.size());
}

std::string parseError(const std::string &header, const std::string &data = "") {
  Result<Safetensors> content = parse(fileBytes(header, data));
  return content ? "" : content.error();
}

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "ssm-safetensors-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string file(const char *name) const { return path / name; }
  size_t count() const {
    return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
  }
};

Safetensors example() {
  Safetensors content;
  content.tensors.emplace("b16", Tensor::fromData(DType::BF16, {3}, std::vector<double>{1, 2, 3}));
  content.tensors.emplace("double", Tensor::fromData(DType::F64, {2, 1}, std::vector<double>{0.1, -5}));
  content.tensors.emplace("empty", Tensor::zeros(DType::F32, {2, 0, 3}));
  content.tensors.emplace("scalar", Tensor::fromData(DType::I64, {}, std::vector<double>{-7}));
  content.tensors.emplace("z", Tensor::fromData(DType::C64, {2}, std::vector<std::complex<double>>{{1, 2}, {3, 4}}));
  content.metadata = {{"note", "a \"quoted\" line\nand ü"}};
  return content;
}

TEST(Safetensors, WhatIsWrittenReadsBack) {
  TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  ASSERT_EQ(writeSafetensors(path, example()), std::nullopt);
  Result<Safetensors> content = readSafetensors(path);
  ASSERT_TRUE(content) << content.error();
  EXPECT_EQ(content->metadata, example().metadata);
  ASSERT_EQ(content->tensors.size(), 5u);
  EXPECT_EQ(content->tensors["b16"].dtype(), DType::BF16);
  EXPECT_EQ(content->tensors["b16"].real(2), 3);
  EXPECT_EQ(content->tensors["double"].real(0), 0.1);
  EXPECT_EQ(content->tensors["empty"].shape(), (Shape{2, 0, 3}));
  EXPECT_EQ(content->tensors["scalar"].integer(), -7);
  EXPECT_EQ(content->tensors["z"].shape(), (Shape{2, 2}));
  EXPECT_EQ(content->tensors["z"].real(3), 4);
}

TEST(Safetensors, StridedTensorsAreWrittenInOrder) {
  TemporaryFolder folder;
  Tensor tensor = Tensor::fromData(DType::F32, {2, 2}, std::vector<double>{1, 2, 3, 4});
  Safetensors content;
  content.tensors.emplace("t", Tensor::wrap(DType::F32, {2, 2}, {1, 2}, nullptr, tensor.data()));
  ASSERT_EQ(writeSafetensors(folder.file("t"), content), std::nullopt);
  Result<Safetensors> back = readSafetensors(folder.file("t"));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->tensors["t"].real(1), 3);
}

TEST(Safetensors, WritingToAMappedTensorLeavesTheFile) {
  TemporaryFolder folder;
  ASSERT_EQ(writeSafetensors(folder.file("x"), example()), std::nullopt);
  Result<Safetensors> content = readSafetensors(folder.file("x"));
  ASSERT_TRUE(content);
  content->tensors["double"].setReal(0, 99);
  EXPECT_EQ(readSafetensors(folder.file("x"))->tensors["double"].real(0), 0.1);
}

TEST(Safetensors, MisalignedDataIsCopied) {
  const std::string header = R"({"t":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})";
  const double value = 2.5;
  const std::string data(reinterpret_cast<const char *>(&value), sizeof value);
  for (size_t shift = 0; shift < 8; ++shift) {
    Result<Safetensors> content = parse(fileBytes(header, data), shift);
    ASSERT_TRUE(content) << content.error();
    EXPECT_EQ(content->tensors["t"].real(), 2.5);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(content->tensors["t"].data()) % 8, 0u);
  }
}

TEST(Safetensors, FailedWritesLeaveNothing) {
  TemporaryFolder folder;
  Safetensors broken = example();
  broken.metadata["bad"] = "\xff";
  EXPECT_NE(writeSafetensors(folder.file("x"), broken), std::nullopt);
  EXPECT_NE(writeSafetensors(folder.file("missing/x"), example()), std::nullopt);
  EXPECT_NE(writeSafetensors(folder.path, example()), std::nullopt);
  EXPECT_EQ(folder.count(), 0u);
}

TEST(Safetensors, WritingKeepsTheOldFileUntilTheNewOneIsWhole) {
  TemporaryFolder folder;
  ASSERT_EQ(writeSafetensors(folder.file("x"), example()), std::nullopt);
  Safetensors broken = example();
  broken.metadata["bad"] = "\xff";
  EXPECT_NE(writeSafetensors(folder.file("x"), broken), std::nullopt);
  EXPECT_TRUE(readSafetensors(folder.file("x")));
  EXPECT_EQ(folder.count(), 1u);
}

TEST(Safetensors, WritingThroughASymbolicLinkKeepsTheLink) {
  TemporaryFolder folder;
  ASSERT_EQ(writeSafetensors(folder.file("real"), Safetensors()), std::nullopt);
  std::filesystem::create_symlink(folder.file("real"), folder.file("link"));
  ASSERT_EQ(writeSafetensors(folder.file("link"), example()), std::nullopt);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_EQ(readSafetensors(folder.file("real"))->tensors.size(), 5u);
}

TEST(Safetensors, WhatIsNoSafetensorsFileIsRefused) {
  TemporaryFolder folder;
  EXPECT_EQ(readSafetensors(folder.file("none")).error(),
            "cannot read " + folder.file("none") + ": No such file or directory");
  EXPECT_NE(readSafetensors(folder.path).error().find("not a regular file"), std::string::npos);
  std::ofstream(folder.file("empty"));
  EXPECT_NE(readSafetensors(folder.file("empty")).error().find("is empty"), std::string::npos);
  EXPECT_FALSE(parse("1234567"));
  EXPECT_FALSE(parse(std::string(8, '\xff')));
  EXPECT_FALSE(parse(std::string(8, '\0')));
}

TEST(Safetensors, BrokenHeadersAreRefusedWithTheReason) {
  const std::pair<const char *, const char *> cases[] = {
      {"[]", "does not begin with {"},
      {"{", "not JSON"},
      {"{} x", "not JSON"},
      {R"({"t":1})", "has a number at 't'"},
      {R"({"t":null})", "has null at 't'"},
      {R"({"t":{"dtype":"F32","shape":[1]}})", "'t' lacks data_offsets"},
      {R"({"t":{"dtype":"F32","data_offsets":[0,4]}})", "'t' lacks shape"},
      {R"({"t":{"shape":[1],"data_offsets":[0,4]}})", "'t' lacks dtype"},
      {R"({"t":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", "dtype 'F33', which is not supported"},
      {R"({"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "a negative number"},
      {R"({"t":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", "a fraction"},
      {R"({"t":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", "a list"},
      {R"({"t":{"dtype":"F32","shape":[{}],"data_offsets":[0,4]}})", "an object"},
      {R"({"t":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", "too large"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "not two numbers"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "does not take the 4 bytes"},
      {R"({"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", "does not take the 0 bytes"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "outside the file's 4 bytes"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "outside"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":[]}})", "unknown field 'x'"},
      {R"({"t":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "has dtype twice"},
      {R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"t":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
       "names 't' twice"},
      {R"({"t":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})", "leaving a hole"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "inside the tensor before it"},
      {R"({"t":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", "1 bytes behind its last tensor"},
      {R"({"__metadata__":{"a":1}})", "a number at 'a'"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", "metadata name 'a' twice"},
      {"{\"\x1b[2J\":1}", "not JSON"},
      {"{\"\xff\":1}", "not JSON"},
  };
  for (const auto &[header, reason] : cases)
    EXPECT_NE(parseError(header, "abcd").find(reason), std::string::npos)
        << header << "\n  gave: " << parseError(header, "abcd");
}

TEST(Safetensors, DeepNestingAndLongListsAreRefusedCheaply) {
  std::string deep = R"({"t":{"dtype":)" + std::string(1000000, '[');
  EXPECT_NE(parseError(deep).find("a list"), std::string::npos);
  std::string wide = R"({"t":{"dtype":"U8","shape":[0)";
  for (int i = 0; i < 1000; ++i)
    wide += ",0";
  EXPECT_NE(parseError(wide + "]}}").find("too many axes"), std::string::npos);
}

TEST(Safetensors, NamesArePrintedWithoutControlCharacters) {
  EXPECT_EQ(printable("a\x1b[2J\n"), "'a\\x1b[2J\\x0a'");
  EXPECT_LT(printable(std::string(1000, 'x')).size(), 100u);
}

// Whatever bytes a file has, it is either refused or every element of every tensor can be read.
TEST(Safetensors, MutatedFilesAreRefusedOrReadable) {
  TemporaryFolder folder;
  ASSERT_EQ(writeSafetensors(folder.file("x"), example()), std::nullopt);
  std::ifstream stream(folder.file("x"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  std::mt19937 random(1);
  int accepted = 0, refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string mutated = bytes;
    for (unsigned change = random() % 4; change <= 4; ++change) {
      const size_t at = random() % mutated.size();
      switch (random() % 4) {
      case 0:
        mutated[at] = static_cast<char>(random());
        break;
      case 1:
        mutated[at] = static_cast<char>('0' + random() % 10);
        break;
      case 2:
        mutated.resize(at + 1);
        break;
      default:
        mutated.insert(at, mutated.substr(random() % mutated.size(), random() % 8));
      }
    }
    Result<Safetensors> content = parse(mutated);
    content ? ++accepted : ++refused;
    if (content)
      for (const auto &[name, tensor] : content->tensors)
        forEachOffset(tensor, [&tensor = tensor](int64_t offset) { (void)tensor.complex(offset); });
  }
  EXPECT_GT(accepted, 0);
  EXPECT_GT(refused, 1000);
}

} // namespace
