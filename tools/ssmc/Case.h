#ifndef SSM_TOOLS_SSMC_CASE_H
#define SSM_TOOLS_SSMC_CASE_H

#include "codegen/binding/Binding.h"
#include "tools/ssmc/Model.h"

#include <map>
#include <string>

namespace ssm {

/// Tensors of a safetensors file by role, and what its metadata says.
struct Case {
  /// The model that a reference case is of; empty in a file that is none.
  std::string model;
  GivenTensors tensors;
  /// Options of the reference case, with their values as --option and --param take them.
  std::map<std::string, std::string> options;
  double float32Error = 0;
  bool hasGradients = false;
};

/// Reads a reference case, whose README has the form (in.NAME, state0.NAME, out.NAME, state.NAME), or a file of inputs
/// by their names with states before the first step as state.NAME.
llvm::Expected<Case> readCase(const std::string &path);

/// Takes the case's options that the description declares, as option or as parameter; what the command line says goes
/// first.
void takeOptions(RecurrenceOp recurrence, const Case &one, Preparation &preparation,
                 std::map<std::string, double> &params);

} // namespace ssm

#endif
