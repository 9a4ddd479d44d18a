// The control bits are bits 105 to 125: stall (4), yield (1), two scoreboards (3 each), a mask of them (6), reuse (4).
// Jia et al., "Dissecting the NVIDIA Volta GPU Architecture via Microbenchmarking", 2018, section 2.1.

#include "bench/sm-model/ControlBits.h"

using namespace ssm::sm;

ControlBits ssm::sm::decodeControlBits(uint64_t upper) {
  uint64_t bits = upper >> (105 - 64);
  ControlBits control;
  control.stall = bits & 15;
  control.writes = bits >> 5 & 7;
  control.reads = bits >> 8 & 7;
  control.waits = bits >> 11 & 63;
  return control;
}
