// Rows with their own steps and their own places in a pool of states: kernels against the interpreter, which runs them
// one by one, and against each other.

#include "CpuKernelRun.h"
#include "codegen/interpreter/RowInterpreter.h"
#include "passes/ChunkScan.h"

#include <numeric>

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Sizes = std::map<std::string, int64_t>;
using Arrays = std::map<std::string, Tensor>;

/// Results of a kernel.
struct Results {
  std::map<std::string, Tensor> outputs, states;
};

/// A model with rows, prepared at those sizes; all of rows and packed steps stay open.
struct RowModel {
  RowModel(const std::string &model, std::vector<std::string> arrays, bool inPlace, const Sizes &dims,
           const std::string &dtype = "f32")
      : model(model), description(parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm")) {
    EXPECT_TRUE(description) << description.errors;
    recurrence = description.recurrence();
    dropSizes(recurrence);
    PassManager passes(description.context.get());
    PackOptions options;
    options.arrays.assign(arrays.begin(), arrays.end());
    options.inPlace = inPlace;
    if (inPlace || !arrays.empty())
      passes.addNestedPass<RecurrenceOp>(createPack(options));
    EXPECT_TRUE(succeeded(passes.run(*description.module)));
    SpecializeParameters parameters;
    parameters.dims = dims;
    parameters.dtype = dtype;
    EXPECT_TRUE(prepare(description, parameters));
  }
  std::string model;
  Description description;
  RecurrenceOp recurrence;
};

/// Sizes of every dimension but those of rows and steps, small and ragged.
Sizes drawSizes(const std::string &model, Random &random) {
  static constexpr int64_t ragged[] = {1, 2, 3, 5, 9, 17};
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
  Sizes sizes;
  for (StringRef dim : [&] {
         dropSizes(description.recurrence());
         return openDims(description.recurrence());
       }())
    if (dim != "batch" && dim != description.recurrence().getScan())
      sizes[dim.str()] = random.pick(ragged);
  return sizes;
}

Tensor integers(const std::vector<int64_t> &values, DType type, Shape shape = {}) {
  Tensor tensor = Tensor::zeros(type, shape.empty() ? Shape{int64_t(values.size())} : shape);
  for (size_t i = 0; i < values.size(); ++i)
    tensor.setInteger(i, values[i]);
  return tensor;
}

/// Draws what the arrays of a plan say, and the sizes that follow.
Arrays drawArrays(const RowPlan &plan, Sizes &sizes, Random &random, int64_t rows, int64_t most) {
  auto typeOf = [&](StringRef array) { return plan.typeOf(array).isInteger(64) ? DType::I64 : DType::I32; };
  std::vector<int64_t> boundaries{0};
  for (int64_t row = 0; row < rows; ++row)
    boundaries.push_back(boundaries.back() + (random.chance(25) ? 0 : random.below(most + 1)));
  int64_t perRow = random.below(most + 1), steps = plan.isPacked() ? boundaries.back() : perRow * rows;
  sizes["batch"] = rows;
  sizes["time"] = plan.isPacked() ? steps : perRow;
  // No place is used twice.
  int64_t slots = 2 * rows + steps + 3;
  std::vector<int64_t> places(slots), in, out, has, at;
  std::iota(places.begin(), places.end(), 0);
  for (int64_t i = slots; i-- > 1;)
    std::swap(places[i], places[random.below(i + 1)]);
  for (int64_t row = 0; row < rows; ++row) {
    in.push_back(random.chance(20) ? -1 - int64_t(random.below(9)) : places[2 * row]);
    out.push_back(random.chance(10) ? -1 : random.chance(50) ? in.back() : places[2 * row + 1]);
    has.push_back(random.chance(60) ? 1 + random.below(3) : 0);
  }
  for (int64_t step = 0; step < steps; ++step)
    // Without slots_in, places below the number of rows are theirs.
    at.push_back(
        random.chance(40) && (plan.has("slots_in") || places[2 * rows + step] >= rows) ? places[2 * rows + step] : -1);
  if (plan.hasPool())
    sizes["slots"] = slots;
  Arrays arrays;
  auto add = [&](StringRef name, const std::vector<int64_t> &values, Shape shape = {}) {
    if (plan.has(name))
      arrays.emplace(name.str(), integers(values, typeOf(name), shape));
  };
  add("cu_seqlens", boundaries);
  add("slots_in", in);
  add("slots_out", out);
  add("has_state", has);
  add("slots_at", at, plan.isPacked() ? Shape{steps} : Shape{rows, perRow});
  return arrays;
}

/// Runs a kernel in guarded memory that it may write where results are alone.
Results runKernel(llvm::function_ref<llvm::Error(const KernelArguments &)> run, RecurrenceOp recurrence,
                  const InterpreterArguments &arguments, const Arrays &rows, Memory memory = Memory::Dense) {
  using Role = KernelTensor::Role;
  RowPlan plan(recurrence);
  KernelArguments call;
  call.sizes = arguments.sizes;
  std::vector<std::unique_ptr<Guarded>> blocks;
  auto place = [&](const Tensor &from) -> Tensor & {
    blocks.push_back(std::make_unique<Guarded>(from.dtype(), from.shape(), memory));
    blocks.back()->tensor().copyFrom(from);
    return blocks.back()->tensor();
  };
  for (const KernelTensor &tensor : getKernelInterface(recurrence).tensors) {
    auto given = arguments.states.find(tensor.name);
    if (tensor.role == Role::Input)
      call.inputs.emplace(tensor.name, place(arguments.inputs.at(tensor.name)));
    else if (tensor.role == Role::Rows)
      call.rows.emplace(tensor.name, place(rows.at(tensor.name)));
    else if (tensor.role == Role::Output)
      call.outputs.emplace(tensor.name, place(Tensor::zeros(dtypeOf(tensor.stored),
                                                            *shapeOf(recurrence, tensor.layout, arguments.sizes))));
    else if (tensor.role == Role::InitialState && given != arguments.states.end())
      call.initialStates.emplace(tensor.name, place(given->second));
    else if (tensor.role == Role::FinalState && plan.isInPlace() && given != arguments.states.end())
      call.finalStates.emplace(tensor.name, call.initialStates.at(tensor.name));
    else if (tensor.role == Role::FinalState)
      for (const State &state : getStates(recurrence))
        if (state.name == tensor.name)
          call.finalStates.emplace(
              tensor.name,
              place(given != arguments.states.end() && plan.hasPool()
                        ? given->second
                        : Tensor::zeros(dtypeOf(tensor.stored), *shapeOf(recurrence, state, arguments.sizes))));
  }
  for (auto &block : blocks)
    block->remember();
  llvm::Error error = run(call);
  EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  for (auto &block : blocks) {
    auto holds = [&](const auto &entry) { return entry.second.data() == block->tensor().data(); };
    EXPECT_TRUE(block->isUntouched(llvm::any_of(call.outputs, holds) || llvm::any_of(call.finalStates, holds)));
  }
  Results results;
  for (auto &[name, tensor] : call.outputs)
    results.outputs.emplace(name, tensor.clone());
  for (auto &[name, tensor] : call.finalStates)
    results.states.emplace(name, tensor.clone());
  return results;
}

void compare(const Results &results, const InterpreterResults &expected, const RunOptions &options = {}) {
  for (auto &[name, tensor] : results.outputs)
    expectNear(name, tensor, expected.outputs.at(name), options);
  for (auto &[name, tensor] : results.states)
    expectNear("state." + name, tensor, expected.states.at(name), options);
}

bool isSameBits(const Tensor &a, const Tensor &b) {
  Tensor x = a.contiguous(), y = b.contiguous();
  return x.shape() == y.shape() && std::memcmp(x.data(), y.data(), x.numBytes()) == 0;
}

/// Places of the pool that no row writes, as they were.
void expectUnwritten(const RowPlan &plan, const Arrays &rows, const Results &results,
                     const InterpreterArguments &arguments) {
  std::set<int64_t> written;
  for (const char *name : {"slots_in", "slots_out", "slots_at"})
    if (auto it = rows.find(name); it != rows.end())
      forEachOffset(it->second, [&](int64_t offset) { written.insert(it->second.integer(offset)); });
  for (auto &[name, before] : arguments.states)
    for (int64_t slot = 0; slot < before.size(0); ++slot)
      if (!written.count(slot) && (plan.has("slots_in") || slot >= arguments.sizes.at("batch")))
        EXPECT_TRUE(isSameBits(results.states.at(name).slice(0, slot, 1), before.slice(0, slot, 1)))
            << "state." << name << " was written in slot " << slot;
}

class Rows : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, Rows, testing::ValuesIn(libraryModels()), [](const auto &info) { return info.param; });
} // namespace

//===----------------------------------------------------------------------===//
// Packed sequences
//===----------------------------------------------------------------------===//

// 200 packings in all.
TEST_P(Rows, PackedAreTheBitsOfOneByOne) {
  Random random(llvm::hash_value(GetParam()) % 1000);
  constexpr int packings = 19;
  for (int model = 0; model < 2; ++model) {
    Sizes fixed = drawSizes(GetParam(), random);
    RowModel packed(GetParam(), {random.chance(50) ? "cu_seqlens=i64" : "cu_seqlens"}, false, fixed);
    RowModel alone(GetParam(), {}, false, fixed);
    auto kernel = compileForCpu(packed.recurrence, "auto");
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    auto single = compileForCpu(alone.recurrence, (*kernel)->schedule());
    ASSERT_TRUE(static_cast<bool>(single)) << llvm::toString(single.takeError());
    for (int packing = 0; packing < packings / 2 + model; ++packing) {
      Sizes sizes = fixed;
      RowPlan plan(packed.recurrence);
      Arrays rows = drawArrays(plan, sizes, random, random.below(6), 40);
      InterpreterArguments arguments =
          argumentsFor(packed.recurrence, GetParam(), sizes, random.chance(60), random.below(1000));
      Results results =
          runKernel([&](const KernelArguments &call) { return (*kernel)->run(call, 2); }, packed.recurrence, arguments,
                    rows, random.chance(30) ? Memory::OddOffset : Memory::Dense);
      auto expected = interpretRows(packed.recurrence, {arguments, rows});
      ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
      compare(results, *expected);
      const Tensor &cu = rows.at("cu_seqlens");
      for (int64_t row = 0; row < sizes.at("batch"); ++row) {
        int64_t start = cu.integer(row), steps = cu.integer(row + 1) - start;
        InterpreterArguments own = arguments;
        own.sizes["batch"] = 1;
        own.sizes["time"] = steps;
        auto axisOf = [&](LayoutAttr layout) {
          for (unsigned axis = 0; axis < layout.getRank(); ++axis)
            if (layout.getAxis(axis) == SmallVector<StringRef>{"time"})
              return int64_t(axis);
          return int64_t(-1);
        };
        for (auto input : alone.recurrence.getBody().front().getOps<InputOp>())
          if (int64_t axis = axisOf(input.getLayout()); axis >= 0) {
            Tensor &tensor = own.inputs.at(input.getName().str());
            tensor = tensor.slice(axis, start, steps);
          }
        for (auto &[name, tensor] : own.states)
          tensor = tensor.slice(0, row, 1);
        Results one =
            runKernel([&](const KernelArguments &call) { return (*single)->run(call, 1); }, alone.recurrence, own, {});
        for (auto output : alone.recurrence.getBody().front().getOps<OutputOp>())
          EXPECT_TRUE(
              isSameBits(results.outputs.at(output.getName().str()).slice(axisOf(output.getLayout()), start, steps),
                         one.outputs.at(output.getName().str())))
              << sizesText(sizes) << ", row " << row;
        for (auto &[name, tensor] : one.states)
          EXPECT_TRUE(isSameBits(results.states.at(name).slice(0, row, 1), tensor))
              << "state." << name << " of row " << row;
      }
      if (HasFailure())
        return;
    }
  }
}

/// Steps on lanes are combined, so that these are not the bits of steps one after another.
TEST_P(Rows, PackedRunStepsAtOnce) {
  Random random(llvm::hash_value(GetParam()) % 1000 + 3);
  Sizes fixed = drawSizes(GetParam(), random);
  RowModel packed(GetParam(), {"cu_seqlens"}, false, fixed), alone(GetParam(), {}, false, fixed);
  if (llvm::Error error = checkChunks(alone.recurrence, /*steps=*/16))
    GTEST_SKIP() << llvm::toString(std::move(error));
  std::string schedule = "time=loop:16,lane:8,reg:2";
  DimensionAnalysis dims(alone.recurrence);
  for (llvm::StringRef dim : dims.list(dimsHeldWhole(alone.recurrence, dims)))
    schedule += "; " + dim.str() + "=reg";
  auto cpu = compileForCpu(packed.recurrence, schedule);
  ASSERT_TRUE(static_cast<bool>(cpu)) << llvm::toString(cpu.takeError());
  auto gpu = compileForEmulator(packed.recurrence, schedule);
  ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
  for (int packing = 0; packing < 4; ++packing) {
    Sizes sizes = fixed;
    Arrays rows = drawArrays(RowPlan(packed.recurrence), sizes, random, random.below(6), 40);
    InterpreterArguments arguments =
        argumentsFor(packed.recurrence, GetParam(), sizes, random.chance(60), random.below(1000));
    auto expected = interpretRows(packed.recurrence, {arguments, rows});
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    compare(runKernel([&](const KernelArguments &call) { return (*cpu)->run(call, 2); }, packed.recurrence, arguments,
                      rows, Memory::Dense),
            *expected);
    compare(runKernel([&](const KernelArguments &call) { return (*gpu)->run(call, 1); }, packed.recurrence, arguments,
                      rows, Memory::Dense),
            *expected);
    if (HasFailure())
      return;
  }
}

//===----------------------------------------------------------------------===//
// Pools of states
//===----------------------------------------------------------------------===//

namespace {
struct PoolCase {
  const char *name;
  std::vector<std::string> arrays;
  bool inPlace;
  const char *dtype;
};
const PoolCase poolCases[] = {
    {"steps", {"slots_in", "slots_out=i64", "has_state"}, true, "f32"},
    {"packed steps, the state after each", {"cu_seqlens", "slots_in", "slots_out", "slots_at=i64"}, true, "f32"},
    {"drafts, the state after each", {"slots_in=i64", "slots_at"}, true, "bf16"},
    {"no pool", {"has_state=i64"}, true, "f32"},
    {"forward, states on the way", {"cu_seqlens=i64", "slots_in", "slots_out", "has_state", "slots_at"}, false, "f32"},
    {"forward, final states at the rows' own places", {"slots_at"}, false, "f32"},
};

template <typename Compile> void checkPools(const std::string &name, int draws, Compile compile) {
  Random random(llvm::hash_value(name) % 1000 + 7);
  for (const PoolCase &one : poolCases) {
    SCOPED_TRACE(one.name);
    Sizes fixed = drawSizes(name, random);
    RowModel model(name, one.arrays, one.inPlace, fixed, one.dtype);
    auto kernel = compile(model.recurrence);
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    for (int draw = 0; draw < draws; ++draw) {
      Sizes sizes = fixed;
      RowPlan plan(model.recurrence);
      Arrays rows = drawArrays(plan, sizes, random, 1 + random.below(5), 5);
      InterpreterArguments arguments = argumentsFor(model.recurrence, name, sizes, draw > 0, random.below(1000));
      Results results = runKernel([&](const KernelArguments &call) { return (*kernel)->run(call, 1); },
                                  model.recurrence, arguments, rows,
                                  draw == 1   ? Memory::EveryThird
                                  : draw == 2 ? Memory::PaddedRows
                                              : Memory::Dense);
      auto expected = interpretRows(model.recurrence, {arguments, rows});
      ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
      compare(results, *expected);
      if (plan.hasPool())
        expectUnwritten(plan, rows, results, arguments);
      ASSERT_FALSE(testing::Test::HasFailure()) << sizesText(sizes) << ", schedule " << (*kernel)->schedule();
    }
  }
}
} // namespace

TEST_P(Rows, FindTheirStatesOnTheProcessor) {
  checkPools(GetParam(), 4, [](RecurrenceOp recurrence) { return compileForCpu(recurrence, "auto"); });
}

TEST_P(Rows, FindTheirStatesOnTheEmulatedDevice) {
  checkPools(GetParam(), 3, [](RecurrenceOp recurrence) { return compileForEmulator(recurrence, "auto"); });
}

/// Several steps are done at once, what the next ones read is on its way, and lanes share out their sums; the state
/// after each step is still there to be written.
TEST_P(Rows, FindTheirStatesWhereLanesShareSums) {
  checkPools(GetParam(), 2, [](RecurrenceOp recurrence) {
    std::string schedule;
    DimensionAnalysis dims(recurrence);
    // No pass moves values between threads.
    bool isMoved = !recurrence.getBody().front().getOps<RenameOp>().empty();
    for (llvm::StringRef dim : dims.list(dimsHeldWhole(recurrence, dims)))
      schedule += dim.str() + (schedule.empty() && !isMoved ? "=lane:4,reg; " : "=reg; ");
    return compileForEmulator(recurrence, schedule + "time=loop,reg:4; stages=2");
  });
}
