// What this processor has, by its CPUID instruction (Intel, "Software Developer's Manual", volume 2A; AMD64
// "Programmer's Manual", volume 3, appendix E).

#include "runtime/CpuFeatures.h"

#include <array>
#include <cstdint>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace ssm;

namespace {
enum Register : uint8_t { EAX, EBX, ECX, EDX };
/// Registers that the operating system has to save for a feature's instructions: bits of XCR0.
enum Saved : uint32_t { Nothing = 0, Ymm = 0x6, Zmm = 0xe6 };

struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  Register where;
  uint8_t bit;
  Saved saved;
};

constexpr Feature features[] = {
    {"sse3", 1, 0, ECX, 0, Nothing},
    {"pclmul", 1, 0, ECX, 1, Nothing},
    {"ssse3", 1, 0, ECX, 9, Nothing},
    {"fma", 1, 0, ECX, 12, Ymm},
    {"cx16", 1, 0, ECX, 13, Nothing},
    {"sse4.1", 1, 0, ECX, 19, Nothing},
    {"sse4.2", 1, 0, ECX, 20, Nothing},
    {"crc32", 1, 0, ECX, 20, Nothing},
    {"movbe", 1, 0, ECX, 22, Nothing},
    {"popcnt", 1, 0, ECX, 23, Nothing},
    {"aes", 1, 0, ECX, 25, Nothing},
    {"xsave", 1, 0, ECX, 26, Nothing},
    {"avx", 1, 0, ECX, 28, Ymm},
    {"f16c", 1, 0, ECX, 29, Ymm},
    {"rdrnd", 1, 0, ECX, 30, Nothing},
    {"fsgsbase", 7, 0, EBX, 0, Nothing},
    {"bmi", 7, 0, EBX, 3, Nothing},
    {"avx2", 7, 0, EBX, 5, Ymm},
    {"bmi2", 7, 0, EBX, 8, Nothing},
    {"avx512f", 7, 0, EBX, 16, Zmm},
    {"avx512dq", 7, 0, EBX, 17, Zmm},
    {"adx", 7, 0, EBX, 19, Nothing},
    {"avx512ifma", 7, 0, EBX, 21, Zmm},
    {"avx512cd", 7, 0, EBX, 28, Zmm},
    {"sha", 7, 0, EBX, 29, Nothing},
    {"avx512bw", 7, 0, EBX, 30, Zmm},
    {"avx512vl", 7, 0, EBX, 31, Zmm},
    {"avx512vbmi", 7, 0, ECX, 1, Zmm},
    {"avx512vbmi2", 7, 0, ECX, 6, Zmm},
    {"gfni", 7, 0, ECX, 8, Nothing},
    {"vaes", 7, 0, ECX, 9, Ymm},
    {"vpclmulqdq", 7, 0, ECX, 10, Ymm},
    {"avx512vnni", 7, 0, ECX, 11, Zmm},
    {"avx512bitalg", 7, 0, ECX, 12, Zmm},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Zmm},
    {"movdiri", 7, 0, ECX, 27, Nothing},
    {"movdir64b", 7, 0, ECX, 28, Nothing},
    {"avx512vp2intersect", 7, 0, EDX, 8, Zmm},
    {"avx512fp16", 7, 0, EDX, 23, Zmm},
    {"avxvnni", 7, 1, EAX, 4, Ymm},
    {"avx512bf16", 7, 1, EAX, 5, Zmm},
    {"avxifma", 7, 1, EAX, 23, Ymm},
    {"avxvnniint8", 7, 1, EDX, 4, Ymm},
    {"avxneconvert", 7, 1, EDX, 5, Ymm},
    {"avxvnniint16", 7, 1, EDX, 10, Ymm},
    {"sahf", 0x80000001, 0, ECX, 0, Nothing},
    {"lzcnt", 0x80000001, 0, ECX, 5, Nothing},
    {"sse4a", 0x80000001, 0, ECX, 6, Nothing},
    {"prfchw", 0x80000001, 0, ECX, 8, Nothing},
    {"xop", 0x80000001, 0, ECX, 11, Ymm},
    {"fma4", 0x80000001, 0, ECX, 16, Ymm},
    {"tbm", 0x80000001, 0, ECX, 21, Nothing},
};

#if defined(__x86_64__)
/// Registers that the operating system saves, as bits of XCR0; none where it says nothing of them.
uint32_t savedRegisters() {
  constexpr unsigned saysWhat = 1u << 27; // OSXSAVE
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & saysWhat))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool hasBit(const Feature &feature) {
  std::array<unsigned, 4> registers{};
  return __get_cpuid_count(feature.leaf, feature.subleaf, &registers[EAX], &registers[EBX], &registers[ECX],
                           &registers[EDX]) &&
         (registers[feature.where] >> feature.bit & 1);
}
#else
uint32_t savedRegisters() { return 0; }
bool hasBit(const Feature &) { return false; }
#endif
} // namespace

const std::vector<std::string_view> &ssm::knownCpuFeatures() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Feature &feature : features)
      all.push_back(feature.name);
    return all;
  }();
  return names;
}

std::set<std::string, std::less<>> ssm::hostCpuFeatures() {
  const uint32_t saved = savedRegisters();
  std::set<std::string, std::less<>> names;
  for (const Feature &feature : features)
    if ((saved & feature.saved) == feature.saved && hasBit(feature))
      names.emplace(feature.name);
  return names;
}
