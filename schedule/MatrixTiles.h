#ifndef SSM_SCHEDULE_MATRIXTILES_H
#define SSM_SCHEDULE_MATRIXTILES_H

#include "schedule/DefaultRules.h"

namespace ssm {

/// How the threads of a GPU's block share states that a summed dimension and a parallel one span.
struct MatrixTile {
  unsigned summed = 0, parallel = 0;
  /// Lanes and registers along the summed dimension; registers and threads along the parallel one.
  int64_t lanes = 1, regs = 1, rows = 1, threads = 1;
  /// Steps of a time tile in shared memory, and of them those with code of their own.
  int64_t steps = 1, copies = 1;
  /// Registers that a thread keeps from step to step, and threads of a call; nothing where a size is open.
  int64_t kept = 0;
  std::optional<int64_t> threadsOfCall = std::nullopt;
};

/// Chooses tiles of states that are matrices, or long vectors of which many share what each step reads: a thread has a
/// piece along both dimensions, so that a number that it reads serves as many products as the piece is long the other
/// way.
class MatrixTiles : public DefaultRules {
public:
  using DefaultRules::DefaultRules;

  /// Nothing where no state is so, or no tile fits. `parallel`: the dimension that threads run along.
  std::optional<MatrixTile> choose(std::optional<unsigned> parallel);

private:
  struct Readings {
    /// Inputs that vary in time along the summed dimension alone, along the parallel one alone, and along neither.
    int64_t summed = 0, parallel = 0, neither = 0;
    /// Sums along the summed dimension of which outputs are made, and those that the next states need.
    int64_t ofOutputs = 0, ofStates = 0;
  };
  std::optional<unsigned> summedDim(unsigned parallel);
  Readings readings(unsigned summed, unsigned parallel);
  int64_t kept(const MatrixTile &tile);
  bool setSteps(MatrixTile &tile, const Readings &read);
  double slots(const MatrixTile &tile, const Readings &read);
};

} // namespace ssm

#endif
