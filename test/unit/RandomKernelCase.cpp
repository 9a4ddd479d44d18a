// Random recurrences of random sizes under random schedules.

#include "RandomKernelCase.h"
#include "passes/ComputeType.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"
#include "test/support/RandomSchedule.h"
#include "llvm/Support/PrettyStackTrace.h"

#include <cstdlib>
#include <gtest/gtest-spi.h>

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// Elements of the tile that the default schedule makes of all dimensions held on chip: LLVM takes minutes to unroll
/// thousands.
constexpr int64_t maxTile = 24;
/// Coordinates of all dimensions, without time and with it.
constexpr int64_t maxElements = 4000, maxWork = 60'000;

/// How many roundings one after another a step's results take at most.
double roundings(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes) {
  llvm::DenseMap<Value, double> paths;
  double longest = 0;
  for (Operation &op : recurrence.getBody().front()) {
    double path = 0;
    for (Value operand : op.getOperands())
      path = std::max(path, paths[operand]);
    longest = std::max(longest, path);
    if (op.getNumResults() == 0)
      continue;
    StringRef dialect = op.getDialect()->getNamespace();
    if (auto over = op.getAttrOfType<ArrayAttr>("over"))
      for (auto name : over.getAsRange<StringAttr>())
        path += sizes.at(recurrence.extentOf(name).str());
    else if (dialect == "math" || (dialect == "ssm" && op.getNumOperands() == 1))
      path += 4; // functions are within 4 units of the last place (docs/math.md)
    else if (dialect == "complex")
      path += 6;
    else
      path += 1;
    paths[op.getResult(0)] = path;
  }
  return longest;
}

/// What is wrong with a case, without failing the test.
std::string failureOf(const KernelCase &test, llvm::function_ref<void(const KernelCase &)> runCase) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    runCase(test);
  }
  std::string text;
  for (int i = 0; i < results.size(); ++i)
    text += std::string(results.GetTestPartResult(i).message()) + "\n";
  return text;
}

/// Two failures of one kind: a refusal for one reason, or results that differ.
std::string kindOf(StringRef failure) {
  if (!failure.contains("refused: "))
    return failure.contains("(tolerance * largest)") ? "differs" : failure.take_front(60).str();
  std::string reason;
  for (char c : failure.split("refused: ").second.take_front(160))
    reason += llvm::isDigit(c) ? '0' : c;
  return reason;
}

std::set<std::string> heldDims(RecurrenceOp recurrence) {
  DimensionAnalysis dims(recurrence);
  std::set<std::string> names;
  for (StringRef name : dims.list(dimsHeldWhole(recurrence, dims)))
    names.insert(recurrence.extentOf(name).str());
  return names;
}

/// Any sizes, the largest lowered until the interpreter can afford them. Means and maxima of nothing are no numbers.
std::map<std::string, int64_t> drawSizes(RecurrenceOp recurrence, Random &random) {
  static constexpr int64_t sizes[] = {1, 1, 2, 3, 4, 5, 8, 15, 16, 17, 37},
                           lengths[] = {0, 1, 2, 5, 15, 16, 17, 37, 90};
  std::string time = recurrence.getScan().str();
  std::map<std::string, int64_t> drawn;
  Block &body = recurrence.getBody().front();
  bool mayBeEmpty = body.getOps<MeanOp>().empty() && body.getOps<MaxOp>().empty();
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      drawn[dim.getName().str()] = dim.getSize()                    ? *dim.getSize()
                                   : mayBeEmpty && random.chance(5) ? 0
                                                                    : random.pick(sizes);
  drawn[time] = random.pick(lengths);
  auto product = [&] {
    int64_t count = 1;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
      if (dim.getName() != time)
        count *= std::max<int64_t>(drawn.at(recurrence.extentOf(dim.getName()).str()), 1);
    return count;
  };
  while (product() > maxElements || product() * drawn[time] > maxWork)
    --llvm::max_element(drawn, [](auto &a, auto &b) { return a.second < b.second; })->second;
  return drawn;
}

/// Lowers the sizes of what the default schedule unrolls.
void keepTilesSmall(RecurrenceOp recurrence, const std::set<std::string> &held, std::map<std::string, int64_t> &sizes) {
  while (true) {
    int64_t product = 1;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
      if (std::string extent = recurrence.extentOf(dim.getName()).str(); held.count(extent))
        product *= sizes.at(extent);
    if (product <= maxTile)
      return;
    --sizes.at(*llvm::max_element(held, [&](auto &a, auto &b) { return sizes.at(a) < sizes.at(b); }));
  }
}

} // namespace

bool ssm::test::prepareCase(const KernelCase &test, const std::set<std::string> &known, Description &description) {
  description = parseLanguage(test.text);
  if (!description) {
    ADD_FAILURE() << description.errors;
    return false;
  }
  SpecializeParameters parameters;
  for (const std::string &name : known)
    if (auto it = test.sizes.find(name); it != test.sizes.end())
      parameters.dims.insert(*it);
  // What is left out of optional inputs is decided before the arguments are made.
  parameters.given.emplace();
  for (auto input : description.recurrence().getBody().front().getOps<InputOp>())
    if (test.withOptionalInputs)
      parameters.given->push_back(input.getName().str());
  bool done = prepare(description, parameters);
  EXPECT_TRUE(done);
  return done;
}

double ssm::test::largestError(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes) {
  double unit = computeType(recurrence).isF64() ? 0x1p-53 : 0x1p-24;
  return unit * 5 * 4 * std::max(roundings(recurrence, sizes), 4.0);
}

ssm::test::ReadyCase::ReadyCase(const KernelCase &test) {
  if (!prepareCase(test, test.known, description))
    return;
  recurrence = description.recurrence();
  arguments = randomArguments(recurrence, test.sizes, test.seed);
  if (auto results = interpret(recurrence, arguments))
    expected = std::move(*results);
  else
    ADD_FAILURE() << llvm::toString(results.takeError());
  handler.emplace(description.context.get(), [this](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  run.memory = [&test](size_t tensor) { return memoryOf(test, tensor); };
  run.tolerance = largestError(recurrence, test.sizes);
  run.atLeast = 1;
}

Memory ssm::test::memoryOf(const KernelCase &test, size_t tensor) {
  constexpr Memory packed[] = {Memory::AfterForbidden, Memory::PaddedRows, Memory::BeforeForbidden};
  return test.seed % 4 == 3 ? allMemories[(test.seed / 4 + tensor) % std::size(allMemories)]
                            : packed[(test.seed / 4 + tensor) % 3];
}

KernelCase ssm::test::drawCase(uint64_t number, bool gpu) {
  Random random(number);
  RandomRecurrenceOptions options;
  options.mixedTypes = random.chance(25);
  KernelCase test;
  test.text = randomRecurrence(number, options);
  test.seed = random.below(1 << 20);
  test.withOptionalInputs = random.chance(50);
  test.threads = 1 + random.below(3);
  Description description;
  if (!prepareCase(test, {}, description))
    return test;
  bool isAuto = random.chance(20);
  test.sizes = drawSizes(description.recurrence(), random);
  test.known = heldDims(description.recurrence());
  if (isAuto)
    keepTilesSmall(description.recurrence(), test.known, test.sizes);
  for (auto &[name, size] : test.sizes)
    if (random.chance(50) || description.recurrence().sizeOf(name))
      test.known.insert(name);
  Description specialized;
  if (!isAuto && prepareCase(test, test.known, specialized))
    test.schedule = printSchedule(randomSchedule(specialized.recurrence(), test.sizes, gpu, random));
  return test;
}

void ssm::test::checkCase(const KernelCase &test, llvm::function_ref<void(const KernelCase &)> runCase) {
  std::string printed = test.print();
  // A crash shows it too.
  llvm::PrettyStackTraceString trace(printed.c_str());
  std::string failure = failureOf(test, runCase);
  if (failure.empty())
    return;
  KernelCase smaller = shrink(
      test, [&](const KernelCase &other) { return kindOf(failureOf(other, runCase)) == kindOf(failure); },
      /*attempts=*/400);
  FAIL() << failure << printed << "\nMade smaller:\n" << failureOf(smaller, runCase) << smaller.print();
}

uint64_t ssm::test::numberFrom(const char *variable, uint64_t otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}
