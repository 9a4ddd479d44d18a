#ifndef SSM_TEST_UNIT_PREPARED_H
#define SSM_TEST_UNIT_PREPARED_H

#include "codegen/lowering/SpaceSource.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Specialize.h"
#include "test/support/Description.h"

#include <gtest/gtest.h>

namespace ssm::test {

/// A description of given sizes, and what its schedules are listed from.
struct Prepared {
  Description description;
  PreparedSource prepared;
  const SpaceSource &source() const { return prepared.source; }
  RecurrenceOp recurrence() { return description.recurrence(); }
};

inline Prepared prepareForSpace(Description description, const std::map<std::string, int64_t> &sizes,
                                const std::string &dtype = "f32") {
  Prepared result;
  result.description = std::move(description);
  EXPECT_TRUE(result.description) << result.description.errors;
  SpecializeParameters parameters;
  parameters.dims = sizes;
  parameters.dtype = dtype;
  EXPECT_TRUE(succeeded(specialize(result.recurrence(), parameters)));
  mlir::PassManager passes(result.description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  EXPECT_TRUE(succeeded(passes.run(*result.description.module)));
  result.prepared = llvm::cantFail(prepareSource(result.recurrence()));
  return result;
}

inline Prepared prepareModel(llvm::StringRef model, const std::map<std::string, int64_t> &sizes) {
  return prepareForSpace(parseFile((SSM_SOURCE_DIR "/models/" + model + ".ssm").str()), sizes);
}

} // namespace ssm::test

#endif
