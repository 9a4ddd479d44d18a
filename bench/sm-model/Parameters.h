#ifndef SSM_BENCH_SMMODEL_PARAMETERS_H
#define SSM_BENCH_SMMODEL_PARAMETERS_H

#include "llvm/ADT/StringRef.h"

#include <vector>

namespace ssm::sm {

/// What the model takes of the machine; Parameters.def has the table.
struct Parameters {
#define SM_PARAMETER(name, value, unit, source) double name = value;
#include "bench/sm-model/Parameters.def"
#undef SM_PARAMETER
};

/// A row of the table.
struct ParameterRow {
  llvm::StringRef name, unit, source;
  double Parameters::*field;

  /// Times and what is cached may be nothing; without a place, a byte or a multiprocessor nothing would move.
  double least() const { return unit == "clocks" || unit == "sectors" || unit == "microseconds" ? 0 : 1; }
};
const std::vector<ParameterRow> &parameterTable();

} // namespace ssm::sm

#endif
