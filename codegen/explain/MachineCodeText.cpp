// What kernels take and do, for people.

#include "codegen/explain/Explain.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm;

static void printSteadyState(llvm::raw_ostream &stream, const MachineKernel &kernel) {
  const SteadyState &steady = *kernel.steady;
  stream << llvm::format("    its loop over time is %d instructions for %.0f steps; an element of a step takes\n",
                         static_cast<int>(steady.instructions), steady.steps);
  stream << llvm::format("    %9.2f issue slots, of these\n", kernel.perElement(steady.total()));
  for (unsigned number = 0; number < numInstructionKinds; ++number)
    if (double count = steady.counts[number])
      stream << llvm::format("    %9.2f ", kernel.perElement(count)) << nameOf(static_cast<InstructionKind>(number))
             << "\n";
  if (steady.unknownLoops)
    stream << "    (" << steady.unknownLoops << " loops inside it whose turns are not known count as edges)\n";
  stream << "    bound, in clocks of a scheduler for the elements of a warp\n";
  for (const PipeBound &bound : kernel.bounds)
    stream << llvm::format("    %9.2f ", bound.clocks) << bound.name << "\n";
  if (kernel.seconds)
    stream << llvm::format("    so %.4f ms a call at least, on the busiest multiprocessor\n", *kernel.seconds * 1e3);
}

void ssm::printMachineCode(llvm::raw_ostream &stream, const MachineCode &code) {
  stream << "\nkernels\n";
  for (const MachineKernel &kernel : code.kernels) {
    stream << "  " << kernelText(kernel.report) << "\n";
    if (kernel.steady)
      printSteadyState(stream, kernel);
  }
}
