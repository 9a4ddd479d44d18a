#include "tools/ssm-launch/Hardware.h"

#include <algorithm>

using namespace ssm;

double Measurement::median() const {
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Measurement::least() const { return *std::min_element(milliseconds.begin(), milliseconds.end()); }

double Measurement::most() const { return *std::max_element(milliseconds.begin(), milliseconds.end()); }
