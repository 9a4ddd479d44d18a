#ifndef SSM_SCHEDULE_MATRIXTILES_H
#define SSM_SCHEDULE_MATRIXTILES_H

#include "schedule/DefaultRules.h"

namespace ssm {

/// How the threads of a GPU's block share states that a summed dimension and a parallel one span, or two summed ones.
struct MatrixTile {
  unsigned summed = 0, parallel = 0;
  /// Lanes and registers along the summed dimension; registers and threads along the parallel one.
  int64_t lanes = 1, regs = 1, rows = 1, threads = 1;
  /// Issue slots of a call; of an element of a state where a size is open.
  double cost = 0;
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

  /// Nothing where no state is so, or no tile fits. `widest`: the dimension that threads run along. Where that gives no
  /// tile, both dimensions may be summed over, if no state waits for sums over the threads'.
  std::optional<MatrixTile> choose(std::optional<unsigned> widest);

private:
  struct Readings {
    /// Inputs that vary in time along the summed dimension alone, along the parallel one alone, and along neither.
    int64_t summed = 0, parallel = 0, neither = 0;
    /// Sums along the summed dimension of which outputs are made, and those that the next states need.
    int64_t ofOutputs = 0, ofStates = 0;
    /// And sums along it that states go into, and that all of the parallel dimension share.
    int64_t shared = 0;
    /// Sums along the parallel dimension, where that is summed over as well: to one number, and to one for each
    /// coordinate of the summed one. And whether the next states need one.
    int64_t overThreads = 0, eachOverThreads = 0;
    bool awaitsThreads = false;
  };
  std::optional<MatrixTile> chooseAlong(unsigned parallel);
  /// Fills in what follows from lanes and rows; whether there is room for such a tile.
  bool fits(MatrixTile &tile, const Readings &read);
  double costOf(MatrixTile &tile, const Readings &read);
  std::optional<unsigned> summedDim(unsigned parallel);
  Readings readings(unsigned summed, unsigned parallel);
  int64_t kept(const MatrixTile &tile);
  bool setSteps(MatrixTile &tile, const Readings &read);
  double slots(const MatrixTile &tile, const Readings &read);
};

} // namespace ssm

#endif
