#ifndef SSM_TEST_UNIT_ASSEMBLEKERNEL_H
#define SSM_TEST_UNIT_ASSEMBLEKERNEL_H

#include "codegen/emit/Emit.h"
#include "codegen/gpu/CudaProgram.h"

#include <gtest/gtest.h>

namespace ssm::test {

/// Has ptxas take a recurrence's PTX for three generations of GPUs, where there is a toolkit. PTX for the first is what
/// the second gets, but for its version; the third has instructions of its own. Not optimized: that takes most of the
/// time, and what is taken is the same.
inline void expectAssembles(RecurrenceOp recurrence, const std::string &schedule) {
  llvm::Expected<std::optional<std::string>> program = findCudaProgram("ptxas");
  ASSERT_TRUE(static_cast<bool>(program)) << llvm::toString(program.takeError());
  if (!*program)
    return;
  const std::pair<const char *, std::vector<const char *>> generations[] = {{"sm_80", {"sm_80", "sm_90"}},
                                                                            {"sm_100", {"sm_100"}}};
  for (const auto &[name, chips] : generations) {
    llvm::Expected<CompileTarget> target = parseTarget(name);
    ASSERT_TRUE(static_cast<bool>(target)) << llvm::toString(target.takeError());
    llvm::Expected<Emitted> ptx = emit(recurrence, "ptx", {*target, schedule, /*packed=*/true, {}});
    ASSERT_TRUE(static_cast<bool>(ptx)) << llvm::toString(ptx.takeError());
    llvm::Expected<TemporaryFile> source = TemporaryFile::create("ptx", ptx->content);
    llvm::Expected<TemporaryFile> cubin = TemporaryFile::create("cubin");
    ASSERT_TRUE(source && cubin);
    for (const char *chip : chips) {
      SCOPED_TRACE(chip);
      llvm::Expected<std::string> taken =
          runProgram(**program, {"-O0", "--gpu-name", chip, llvm::StringRef(source->name()), "-o",
                                 llvm::StringRef(cubin->name())});
      ASSERT_TRUE(static_cast<bool>(taken)) << llvm::toString(taken.takeError());
    }
  }
}

} // namespace ssm::test

#endif
