// A schedule never changes the result beyond rounding: every model of the library under schedules of every kind, at
// sizes that no tile divides.

#include "CpuKernelRun.h"
#include "test/support/ScheduleKinds.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Sizes = std::map<std::string, int64_t>;
/// 16 fills lanes exactly.
constexpr int64_t ragged[] = {1, 2, 3, 16, 17, 37};
/// Scalar evaluations that the interpreter may spend on one run.
constexpr int64_t maxWork = 300'000;

/// What a run is compared with; kinds share it.
struct Reference {
  InterpreterArguments arguments;
  InterpreterResults results;
};

class CpuKernelSchedules : public testing::TestWithParam<std::tuple<std::string, unsigned>> {
protected:
  const std::string &model() { return std::get<0>(GetParam()); }
  const ScheduleKind &kind() { return scheduleKinds()[std::get<1>(GetParam())]; }

  void parse() {
    kernel.reset();
    description = std::make_unique<Description>(parseFile(SSM_SOURCE_DIR "/models/" + model() + ".ssm"));
    ASSERT_TRUE(*description) << description->errors;
    recurrence = description->recurrence();
    dropSizes(recurrence);
  }

  /// The kind's schedule where dimensions that are held whole have that size; empty where there is none.
  std::string scheduleFor(int64_t size) { return kind().write(ScheduleDims(recurrence), size); }

  /// Names of dimensions whose size the schedule asks for.
  std::set<std::string> sizesToKnow(const std::string &text) {
    llvm::Expected<Schedule> schedule = parseSchedule(text == "auto" ? "" : text);
    EXPECT_TRUE(static_cast<bool>(schedule)) << llvm::toString(schedule.takeError());
    return dimsToKnow(recurrence, *schedule);
  }

  /// Extents whose size the schedule asks for and of which every dimension is on a loop, or on few registers.
  std::set<std::string> loopsOf(const std::string &text) {
    std::set<std::string> looped = sizesToKnow(text);
    llvm::Expected<Schedule> schedule = parseSchedule(text);
    if (!schedule) {
      ADD_FAILURE() << llvm::toString(schedule.takeError());
      return {};
    }
    for (const DimPlacement &placement : schedule->dims)
      if (!placement.isOn(Level::Loop))
        looped.erase(recurrence.extentOf(placement.dim).str());
    return looped;
  }

  /// Leaves `kernel` null, and says in `refusal` why, where what the schedule keeps on chip does not fit.
  void compile(const std::string &schedule, const Sizes &known) {
    parse();
    if (HasFatalFailure())
      return;
    SpecializeParameters parameters;
    parameters.dims = fixed = known;
    ASSERT_TRUE(prepare(*description, parameters));
    std::string reason;
    ScopedDiagnosticHandler handler(description->context.get(), [&](Diagnostic &diagnostic) {
      reason += diagnostic.str() + "\n";
      return success();
    });
    auto compiled = compileForCpu(recurrence, schedule);
    if (!compiled) {
      refusal = reason + llvm::toString(compiled.takeError());
      ASSERT_TRUE(StringRef(refusal).contains("at most 1048576 fit") ||
                  StringRef(refusal).contains("more than 65536 elements in registers"))
          << refusal;
      return;
    }
    kernel = std::move(*compiled);
  }

  Sizes sizesWith(int64_t others) {
    Sizes sizes = fixed;
    for (StringRef name : openDims(recurrence))
      sizes[name.str()] = others;
    return sizes;
  }

  static int64_t elements(const Sizes &sizes) {
    int64_t count = 1;
    for (auto &[name, size] : sizes)
      count *= std::max<int64_t>(size, 1);
    return count;
  }

  const Reference *reference(const Sizes &sizes, bool withStates) {
    static std::map<std::string, Reference> known;
    std::string key = model() + ", " + sizesText(sizes) + (withStates ? ", states" : "");
    if (auto it = known.find(key); it != known.end())
      return &it->second;
    InterpreterArguments arguments = argumentsFor(recurrence, model(), sizes, withStates, 1);
    auto expected = interpret(recurrence, arguments);
    EXPECT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    return expected ? &known.emplace(key, Reference{arguments, *expected}).first->second : nullptr;
  }

  /// States are given or begin as they do, and the memory differs, by turns.
  void run(const Sizes &sizes) {
    bool withStates = ++runs % 2;
    SCOPED_TRACE(sizesText(sizes) + (withStates ? ", states given" : "") + ", schedule " + kernel->schedule());
    const Reference *expected = reference(sizes, withStates);
    ASSERT_TRUE(expected);
    RunOptions options;
    options.threads = 1 + runs % 3;
    options.memory = [&](size_t tensor) {
      constexpr Memory packed[] = {Memory::AfterForbidden, Memory::PaddedRows, Memory::BeforeForbidden};
      return packed[(tensor + runs) % 3];
    };
    // f32 of recurrences that forget within some hundred steps, and sums of up to 1000 products in partial sums. What
    // is summed is up to 0.25, and where a sum cancels, its error is that of what went in.
    options.atLeast = 0.1;
    runAndCompare(*kernel, recurrence, expected->arguments, expected->results, options);
  }

  /// Whether the scanned dimension cannot be cut, or on lanes, which has to be the reason that the kernel is refused
  /// for.
  bool isRefused() {
    const std::string schedule = scheduleFor(3);
    for (const std::string &name : sizesToKnow(schedule))
      fixed[name] = 3;
    SpecializeParameters parameters;
    parameters.dims = fixed;
    EXPECT_TRUE(prepare(*description, parameters));
    const std::string why = whyUncut(recurrence);
    if (why.empty())
      return false;
    auto refused = compileForCpu(recurrence, schedule);
    EXPECT_FALSE(static_cast<bool>(refused)) << "a scan that cannot be cut was not refused";
    if (refused)
      return true;
    std::string reason = llvm::toString(refused.takeError());
    EXPECT_TRUE(StringRef(reason).contains("'" + recurrence.getScan().str() + "' cannot be on ")) << reason;
    EXPECT_TRUE(StringRef(reason).contains(why)) << reason;
    return true;
  }

  /// All open dimensions of one size, as far as the interpreter can afford it; nothing in a batch; no steps.
  void runRagged() {
    for (int64_t size : ragged) {
      Sizes sizes = sizesWith(size);
      for (StringRef name : openDims(recurrence))
        if (elements(sizes) > maxWork)
          sizes[name.str()] = 2;
      run(sizes);
      if (HasFatalFailure())
        return;
    }
    for (StringRef empty : {StringRef("batch"), recurrence.getScan()})
      if (llvm::is_contained(openDims(recurrence), empty) && !HasFatalFailure()) {
        Sizes sizes = sizesWith(3);
        sizes[empty.str()] = 0;
        run(sizes);
      }
  }

  /// One open dimension after another of 1000, time among them.
  void runLong() {
    for (StringRef name : openDims(recurrence)) {
      Sizes sizes = sizesWith(2);
      sizes[recurrence.getScan().str()] = 3;
      sizes[name.str()] = 1000;
      run(sizes);
      if (HasFatalFailure())
        return;
    }
  }

  std::unique_ptr<Description> description;
  RecurrenceOp recurrence;
  std::unique_ptr<CpuKernel> kernel;
  Sizes fixed;
  std::string refusal;
  unsigned runs = 0;
};
} // namespace

TEST_P(CpuKernelSchedules, GiveTheInterpretersResult) {
  parse();
  if (HasFatalFailure())
    return;
  if (scheduleFor(1).empty())
    return;
  if (kind().isCut && isRefused())
    return;
  for (int64_t size : ragged) {
    std::string schedule = scheduleFor(size);
    if (schedule.empty())
      break;
    SCOPED_TRACE(schedule + ", known sizes " + std::to_string(size));
    Sizes known;
    for (const std::string &name : sizesToKnow(schedule))
      known[name] = size;
    compile(schedule, known);
    ASSERT_TRUE(kernel) << refusal;
    if (!HasFatalFailure())
      runRagged();
    if (!HasFatalFailure() && (size == 3 || known.empty()))
      runLong();
    if (HasFatalFailure() || known.empty())
      return;
  }
}

/// Of what has to be known when compiling, too, one dimension after another: those that loops run over.
TEST_P(CpuKernelSchedules, HoldAThousandOnLoops) {
  parse();
  if (HasFatalFailure())
    return;
  const std::string schedule = scheduleFor(1000);
  if (schedule.empty() || schedule == "auto" || (kind().isCut && isRefused()))
    return;
  const std::set<std::string> known = sizesToKnow(schedule);
  for (const std::string &large : loopsOf(schedule)) {
    Sizes sizes;
    for (const std::string &name : known)
      sizes[name] = name == large ? 1000 : 2;
    SCOPED_TRACE(schedule + ", " + large + " of 1000");
    compile(schedule, sizes);
    // A thousand of each of two dimensions that a state or a product of matrices has is too much for some kinds.
    if (HasFatalFailure() || !kernel)
      return;
    run(sizesWith(2));
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelSchedules,
                         testing::Combine(testing::ValuesIn(libraryModels()),
                                          testing::Range(0u, unsigned(scheduleKinds().size()))),
                         [](const auto &info) {
                           return std::get<0>(info.param) + "_" + scheduleKinds()[std::get<1>(info.param)].name;
                         });

/// Eight that differ in kind, at least, for every model.
TEST(CpuKernelSchedules, EveryModelHasMany) {
  for (const std::string &model : libraryModels()) {
    Description description = parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
    ASSERT_TRUE(description) << description.errors;
    std::set<std::string> written;
    for (const ScheduleKind &kind : scheduleKinds())
      if (!kind.isCut)
        written.insert(kind.write(ScheduleDims(description.recurrence()), 3));
    written.erase("");
    EXPECT_GE(written.size(), 8u) << model;
  }
}
