// The table of parameters, for those who read or change them by name.

#include "bench/sm-model/Parameters.h"

using namespace ssm::sm;

const std::vector<ParameterRow> &ssm::sm::parameterTable() {
  static const std::vector<ParameterRow> table = {
#define SM_PARAMETER(name, value, unit, source) {#name, unit, source, &Parameters::name},
#include "bench/sm-model/Parameters.def"
#undef SM_PARAMETER
  };
  return table;
}
