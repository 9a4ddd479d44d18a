// Bugs planted in the compiler's own kernels: each barrier, syncwarp and guard is taken out in turn. What can change a
// result has to be reported.

#include "CpuKernelRun.h"
#include "passes/Specialize.h"
#include "test/support/PlantedBugs.h"
#include "test/support/RandomArguments.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// A recurrence of the library with sizes that leave threads, lanes and steps over, or with those that are given.
class Planted {
public:
  Planted(const std::string &file, const std::string &schedule, const std::map<std::string, int64_t> &given = {})
      : description(parseFile(SSM_SOURCE_DIR "/models/" + file)) {
    EXPECT_TRUE(description) << description.errors;
    recurrence = description.recurrence();
    SpecializeParameters parameters;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
      if (!dim.getLike())
        parameters.dims[dim.getName().str()] = dim.getSize() ? 7 : 3;
    // Rows of staged tensors begin at multiples of 16 bytes.
    parameters.dims[recurrence.getScan().str()] = llvm::StringRef(schedule).contains("stage") ? 20 : 21;
    for (auto [dim, size] : given)
      parameters.dims[dim] = size;
    EXPECT_TRUE(prepare(description, parameters));
    sizes = parameters.dims;
    for (unsigned states : {100u, 0u})
      arguments.push_back(
          randomArguments(recurrence, sizes, 1, {.optionalInputs = 100, .states = states, .magnitude = 0.5}));
    this->schedule = schedule;
  }

  /// For a grid of so many blocks; 0: one a task.
  std::unique_ptr<EmulatedKernel> compile(std::function<void(llvm::Module &)> change, bool checks, int64_t blocks = 3) {
    EmulatorOptions options;
    options.blocks = blocks;
    options.checkAccesses = checks;
    options.change = std::move(change);
    auto kernel = compileForEmulator(recurrence, schedule, options);
    EXPECT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    return kernel ? std::move(*kernel) : nullptr;
  }

  /// The bits of all results, with initial and final states and without; what was reported in their place.
  llvm::Expected<std::string> run(EmulatedKernel &kernel, uint64_t seed) {
    std::string bits;
    for (const InterpreterArguments &given : arguments) {
      llvm::Expected<std::string> more = run(kernel, given, seed);
      if (!more)
        return more.takeError();
      bits += *more;
    }
    return bits;
  }

private:
  llvm::Expected<std::string> run(EmulatedKernel &kernel, const InterpreterArguments &given, uint64_t seed) {
    KernelArguments call;
    call.sizes = sizes;
    call.inputs = given.inputs;
    call.initialStates = given.states;
    std::vector<Tensor> results;
    auto add = [&](std::map<std::string, Tensor> &tensors, const std::string &name, std::optional<Shape> shape) {
      results.push_back(Tensor::zeros(DType::F32, *shape));
      tensors.insert_or_assign(name, results.back());
    };
    for (auto output : recurrence.getBody().front().getOps<OutputOp>())
      add(call.outputs, output.getName().str(), shapeOf(recurrence, output.getLayout(), sizes));
    for (const State &state : getStates(recurrence))
      if (state.depth > 0 && !given.states.empty())
        add(call.finalStates, state.name.str(), shapeOf(recurrence, state, sizes));
    if (llvm::Error error = kernel.run(call, seed))
      return std::move(error);
    std::string bits;
    for (Tensor &result : results)
      bits.append(static_cast<const char *>(result.data()), result.numBytes());
    return bits;
  }

  Description description;
  RecurrenceOp recurrence;
  std::string schedule;
  std::map<std::string, int64_t> sizes;
  std::vector<InterpreterArguments> arguments;
};

/// How many places there are for a kind of bug, and how many of these bugs are reported.
struct Tally {
  unsigned places = 0, reported = 0;
};

/// A bug that is not reported in so many orders must give the right bits in any order, without the checks as with them.
Tally plantEach(Planted &planted, Bug bug, uint64_t orders = 3) {
  Tally tally;
  auto whole = planted.compile([&](llvm::Module &module) { tally.places = countPlaces(module, bug); }, true);
  llvm::Expected<std::string> right = planted.run(*whole, 0);
  EXPECT_TRUE(static_cast<bool>(right)) << llvm::toString(right.takeError());
  for (unsigned number = 0; number < tally.places; ++number) {
    std::string what;
    auto plant = [&](llvm::Module &module) { what = plantBug(module, bug, number); };
    auto broken = planted.compile(plant, true);
    bool isReported = false;
    for (uint64_t seed = 0; seed < orders && !isReported; ++seed) {
      llvm::Expected<std::string> result = planted.run(*broken, seed);
      isReported = !result;
      if (!result)
        llvm::consumeError(result.takeError());
    }
    tally.reported += isReported;
    if (isReported)
      continue;
    auto unchecked = planted.compile(plant, false);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      llvm::Expected<std::string> result = planted.run(*unchecked, seed);
      EXPECT_TRUE(static_cast<bool>(result)) << llvm::toString(result.takeError());
      EXPECT_TRUE(result && *result == *right) << "not reported, and the result changes: " << what;
    }
  }
  return tally;
}
} // namespace

TEST(EmulatorPlanted, EachBarrierIsNeeded) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,lane:8; time=loop; state=thread:2,lane:4"},
      {"mingru.ssm", "time=grid:12,thread:3,lane:4; scan=passes"},
      {"mamba1.ssm", "member=grid,thread:3; time=loop:8,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store"},
  };
  for (auto [file, schedule] : schedules) {
    SCOPED_TRACE(std::string(file) + " " + schedule);
    Planted planted(file, schedule);
    Tally barriers = plantEach(planted, Bug::Barrier);
    EXPECT_GE(barriers.places, 2u);
    EXPECT_EQ(barriers.reported, barriers.places);
  }
}

/// Rows on their way to shared memory: without a wait they are read before they are there, without a barrier before
/// others' are, or while those of a later tile, or of the block's next task, are written.
TEST(EmulatorPlanted, EachWaitAndBarrierOfCopiesIsNeeded) {
  const char *schedules[] = {
      "member=grid,thread:3; time=loop:8,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store; copy=cp.async; stages=3",
      "member=grid,thread:3; time=loop:8,reg:4; state=reg; load=staged; copy=cp.async",
      "member=grid,thread:3; time=loop:8,reg:4; state=reg; load(u,z)=staged; copy=cp.async",
  };
  for (const char *schedule : schedules) {
    SCOPED_TRACE(schedule);
    Planted planted("mamba1.ssm", schedule);
    Tally waits = plantEach(planted, Bug::Wait), barriers = plantEach(planted, Bug::Barrier);
    EXPECT_GE(waits.places, 1u);
    EXPECT_EQ(waits.reported, waits.places);
    EXPECT_GE(barriers.places, 2u);
    EXPECT_EQ(barriers.reported, barriers.places);
  }
}

/// Some guards are there for what is left out or for sizes that are not these: taking those away changes nothing.
TEST(EmulatorPlanted, AGuardThatIsNeededIsReported) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mingru.ssm", "time=grid:12,thread:3; scan=passes"},
      {"deltanet.ssm", "value=grid,lane:4; time=loop; key=reg"},
  };
  for (auto [file, schedule] : schedules) {
    SCOPED_TRACE(std::string(file) + " " + schedule);
    Planted planted(file, schedule);
    Tally guards = plantEach(planted, Bug::Guard);
    EXPECT_GE(guards.reported, 2u) << "of " << guards.places;
  }
}

/// Chunks in one kernel, in the order of tickets: what a block hands on is released and acquired. Of one tile, so that
/// a block's predecessor has not taken another ticket by then, by which it would have released it too. A barrier whose
/// absence another one makes up for changes nothing.
TEST(EmulatorPlanted, WhatChunksHandOnIsReleasedAndAcquired) {
  Planted planted("mingru.ssm", "time=grid:6,thread:3,lane:2; scan=ticket", {{"batch", 1}, {"channel", 1}});
  for (Bug bug : {Bug::Release, Bug::Acquire, Bug::Fence}) {
    SCOPED_TRACE(nameOf(bug));
    Tally orders = plantEach(planted, bug);
    EXPECT_GE(orders.places, 1u);
    EXPECT_EQ(orders.reported, orders.places);
  }
  Tally barriers = plantEach(planted, Bug::Barrier);
  EXPECT_GE(barriers.reported, 4u) << "of " << barriers.places;
}

/// Chunks in the order of tickets whose time tiles go through shared memory: of one tile and a few channels, so that
/// all of them are tried soon.
static Planted stagedTickets(int64_t steps, const std::string &copies = "") {
  return Planted(
      "mamba1.ssm",
      "member=grid,thread:2; state=lane:2; time=grid:8,loop:4,reg:2; at(free)=stage; at(y)=store; scan=ticket" + copies,
      {{"batch", 1}, {"group", 1}, {"member", 2}, {"state", 2}, {"time", steps}});
}

/// Places of a bug, and those of which each has to be reported. One guard is for sizes that are not these.
struct Expectation {
  Bug bug;
  unsigned places, reported;
  bool copies = false;
};
class EmulatorPlantedStagedTicket : public testing::TestWithParam<Expectation> {};

TEST_P(EmulatorPlantedStagedTicket, EachIsReportedThatCanChangeAResult) {
  auto [bug, places, reported, copies] = GetParam();
  Planted planted = stagedTickets(20, copies ? "; copy=cp.async" : "");
  // A flag that is there at the first look is read by another instruction than one that is waited for.
  Tally tally = plantEach(planted, bug, /*orders=*/20);
  EXPECT_EQ(tally.places, places);
  EXPECT_EQ(tally.reported, reported);
}

INSTANTIATE_TEST_SUITE_P(Bugs, EmulatorPlantedStagedTicket,
                         testing::Values(Expectation{Bug::Barrier, 7, 7}, Expectation{Bug::Guard, 9, 8},
                                         Expectation{Bug::Fence, 2, 2}, Expectation{Bug::Release, 1, 1},
                                         Expectation{Bug::Acquire, 2, 2}, Expectation{Bug::Wait, 2, 2, true},
                                         Expectation{Bug::Barrier, 7, 7, true}),
                         [](const auto &info) {
                           return std::string(nameOf(info.param.bug)) + (info.param.copies ? "OfCopies" : "");
                         });

/// Blocks start in any order: one whose predecessor is not on the device waits for what never comes.
TEST(EmulatorPlanted, BlockNumbersAreNoTickets) {
  Planted planted = stagedTickets(96);
  unsigned places = 0;
  auto whole = planted.compile([&](llvm::Module &module) { places = countPlaces(module, Bug::Ticket); }, true, 0);
  ASSERT_EQ(places, 1u);
  auto broken = planted.compile([](llvm::Module &module) { plantBug(module, Bug::Ticket, 0); }, true, 0);
  // In the order of their numbers, which no GPU promises, none waits for ever; but the block with the last number
  // counts launches while others may still read the count.
  llvm::Expected<std::string> right = planted.run(*whole, 0), inOrder = planted.run(*broken, 0);
  ASSERT_TRUE(static_cast<bool>(right)) << llvm::toString(right.takeError());
  ASSERT_FALSE(static_cast<bool>(inOrder));
  EXPECT_NE(llvm::toString(inOrder.takeError()).find("reads once, relaxed, 8 bytes at byte 8 of 'order'"),
            std::string::npos);
  unsigned stuck = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    llvm::Expected<std::string> drawn = planted.run(*whole, seed);
    EXPECT_TRUE(drawn && *drawn == *right) << seed;
    llvm::Expected<std::string> result = planted.run(*broken, seed);
    std::string report = result ? "" : llvm::toString(result.takeError());
    stuck += report.find("waits for another value") != std::string::npos &&
             report.find("blocks have not started, 3 are on the device") != std::string::npos;
  }
  EXPECT_GE(stuck, 5u);
}
