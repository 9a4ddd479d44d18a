// Names of targets to what LLVM and the scheduler call them.

#include "codegen/lowering/CompileTarget.h"
#include "schedule/Machine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <thread>

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
Error fail(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

/// SIMD registers by the widest instruction set among the features.
Target vectorsOf(llvm::function_ref<bool(StringRef)> has) {
  Target machine;
  // With the parts of AVX-512 that ssm-expand-math uses; every processor since Skylake-SP has them.
  bool wide = has("avx512f") && has("avx512dq") && has("avx512vl");
  machine.vectorBytes = wide ? 64 : has("avx2") ? 32 : 16;
  machine.vectorRegisters = wide ? 32 : 16;
  return machine;
}

/// LLVM cuts vectors in two on processors whose clock used to fall with 64-byte registers; kernels that run nothing
/// else for milliseconds gain from them all the same.
void useWholeRegisters(CompileTarget &target) {
  if (target.machine.vectorBytes == 64)
    target.features += target.features.empty() ? "-prefer-256-bit" : ",-prefer-256-bit";
}

CompileTarget hostTarget() {
  CompileTarget target{"cpu", llvm::sys::getProcessTriple(), llvm::sys::getHostCPUName().str(), "", {}};
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  for (const auto &feature : features)
    target.features +=
        (target.features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  target.machine = vectorsOf([&](StringRef name) { return features.lookup(name); });
  target.machine.cores = std::max(1u, std::thread::hardware_concurrency());
  useWholeRegisters(target);
  return target;
}

Expected<CompileTarget> namedCpu(StringRef name, StringRef cpu) {
  llvm::SmallVector<StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (!llvm::is_contained(known, cpu))
    return fail("the target '" + name +
                "' names no x86-64 processor that LLVM knows; try cpu:x86-64-v3 or cpu:x86-64-v4");
  llvm::SmallVector<StringRef> named;
  llvm::X86::getFeaturesForCPU(cpu, named);
  llvm::StringMap<bool> features;
  for (StringRef feature : named) {
    features[feature] = true;
    llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, features);
  }
  CompileTarget target{name.str(), "x86_64-unknown-linux-gnu", cpu.str(), "", {}};
  target.machine = vectorsOf([&](StringRef feature) { return features.lookup(feature); });
  useWholeRegisters(target);
  return target;
}

/// The lowest PTX version that knows the chip, so that older drivers take it.
const char *ptxVersion(unsigned chip, bool isSpecific) {
  if (chip >= 120)
    return "+ptx87";
  if (chip >= 100)
    return "+ptx86";
  if (chip >= 90)
    return isSpecific ? "+ptx80" : "+ptx78";
  if (chip == 89)
    return "+ptx78";
  return chip >= 86 ? "+ptx71" : "+ptx70";
}

Expected<CompileTarget> chip(StringRef name) {
  StringRef digits = name.drop_front(3).take_while(llvm::isDigit), suffix = name.drop_front(3 + digits.size());
  unsigned number = 0;
  constexpr unsigned chips[] = {80, 86, 87, 89, 90, 100, 101, 103, 120, 121};
  if (digits.getAsInteger(10, number) || !llvm::is_contained(chips, number))
    return fail("the target '" + name +
                "' is not a GPU that ssmc compiles for; expected sm_80, sm_86, sm_87, sm_89, sm_90, " +
                "sm_100, sm_101, sm_103, sm_120 or sm_121");
  bool allowed = suffix.empty() || (suffix == "a" && number >= 90) || (suffix == "f" && number >= 100);
  if (!allowed)
    return fail("the target '" + name + "' ends in '" + suffix + "'; 'a' exists from sm_90 on and 'f' from sm_100 on");
  CompileTarget target{name.str(), "nvptx64-nvidia-cuda", name.str(), ptxVersion(number, !suffix.empty()), {}};
  target.machine.gpu = true;
  target.machine.cores = gpuMachine(number).units;
  target.capability = target.machine.capability = number;
  if (suffix == "f")
    target.features = "+ptx88";
  return target;
}
} // namespace

Expected<CompileTarget> ssm::parseTarget(StringRef name) {
  if (name == "cpu" || name == "cpu:host")
    return hostTarget();
  if (name.starts_with("cpu:"))
    return namedCpu(name, name.drop_front(4));
  if (name.starts_with("sm_"))
    return chip(name);
  return fail("the target '" + name +
              "' is unknown; expected cpu, cpu:NAME (such as cpu:x86-64-v3) or sm_NN (such as sm_90)");
}
