#include "tools/ssmc/Timing.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm;

void Timing::add(llvm::StringRef phase, double seconds) {
  for (auto &[name, sum] : phases)
    if (name == phase) {
      sum += seconds;
      return;
    }
  phases.emplace_back(phase.str(), seconds);
}

void Timing::print() const {
  double sum = 0;
  for (const auto &[name, seconds] : phases) {
    llvm::errs() << llvm::format("%10.3f ms  %s\n", seconds * 1e3, name.c_str());
    sum += seconds;
  }
  llvm::errs() << llvm::format("%10.3f ms  in all\n", sum * 1e3);
}
