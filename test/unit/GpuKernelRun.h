#ifndef SSM_TEST_UNIT_GPUKERNELRUN_H
#define SSM_TEST_UNIT_GPUKERNELRUN_H

#include "CpuKernelRun.h"
#include "test/support/SequentialGpu.h"

#include <bit>

namespace ssm::test {

/// The words of a launch: tensors in the kernel's order, then parameters and sizes.
class Launch {
public:
  Launch(RecurrenceOp recurrence, const Lowered &lowered, const InterpreterArguments &arguments) {
    using Role = KernelTensor::Role;
    for (const KernelTensor &tensor : lowered.main().interface.tensors) {
      if (tensor.role == Role::Input)
        add(arguments.inputs.at(tensor.name));
      else if (tensor.role == Role::InitialState && !arguments.states.contains(tensor.name))
        words.insert(words.end(), tensor.getRank() + 1, 0);
      else if (tensor.role == Role::InitialState)
        add(arguments.states.at(tensor.name));
      else
        addResult(recurrence, tensor, arguments.sizes);
    }
    for (auto &[name, value] : lowered.main().interface.parameters)
      words.push_back(std::bit_cast<int64_t>(value));
    for (const std::string &name : lowered.main().interface.sizes)
      words.push_back(arguments.sizes.at(name));
  }

  std::vector<int64_t> words;
  std::map<std::string, Tensor> outputs, states;

private:
  void add(const Tensor &tensor) {
    words.push_back(std::bit_cast<int64_t>(tensor.data()));
    words.insert(words.end(), tensor.strides().begin(), tensor.strides().end());
  }

  void addResult(RecurrenceOp recurrence, const KernelTensor &tensor, const std::map<std::string, int64_t> &sizes) {
    bool isOutput = tensor.role == KernelTensor::Role::Output;
    Shape shape = *shapeOf(recurrence, tensor.layout, sizes);
    if (tensor.depth > 1)
      shape.push_back(tensor.depth);
    Tensor &result = (isOutput ? outputs : states)[tensor.name];
    result = Tensor::zeros(dtypeOf(tensor.stored), shape);
    add(result);
  }
};

/// Runs a GPU kernel, on fewer blocks than it has tasks, and compares with what the interpreter gave.
inline void runAndCompare(SequentialGpu &gpu, RecurrenceOp recurrence, const InterpreterArguments &arguments,
                          const InterpreterResults &expected, const RunOptions &options) {
  Launch launch(recurrence, gpu.lowered(), arguments);
  llvm::SmallVector<int64_t> sizes;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    sizes.push_back(arguments.sizes.at(recurrence.extentOf(dim.getName().getValue()).str()));
  int64_t tasks = countTasks(gpu.lowered().main().placement, sizes);
  gpu.launch(launch.words, tasks, std::max<int64_t>(1, tasks / 2));
  for (auto &[name, value] : expected.outputs)
    expectNear(name, launch.outputs.at(name), value, options);
  for (auto &[name, value] : expected.states)
    expectNear("state." + name, launch.states.at(name), value, options);
}

} // namespace ssm::test

#endif
