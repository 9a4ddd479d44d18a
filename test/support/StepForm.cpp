#include "test/support/StepForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

#include <map>

using namespace mlir;
using namespace ssm;

namespace {
class StepWriter {
public:
  explicit StepWriter(ScanOp scan) : scan(scan), build(scan), loc(scan.getLoc()) {}

  void run() {
    writeInitials();
    SmallVector<Value> previous, next;
    for (unsigned i = 0; i < scan.getStates().size(); ++i)
      previous.push_back(read(i, 1));
    for (unsigned i = 0; i < previous.size(); ++i)
      next.push_back(plus(transition(i, previous), scan.getDrive()[i]));
    for (auto [i, stream] : llvm::enumerate(scan.getStreams()))
      for (Operation *user : llvm::make_early_inc_range(stream.getUsers()))
        if (auto before = dyn_cast<BeforeOp>(user)) {
          before.replaceAllUsesWith(read(i, before.getBack()));
          before.erase();
        } else if (isa<FinalOp>(user)) {
          user->erase();
        }
    for (unsigned i = 0; i < next.size(); ++i)
      if (scan.getState(i).getBack() == 1 && !isPart(i, "im"))
        NextOp::create(build, loc, scan.getState(i).getName(), isPart(i, "re") ? pair(next[i], next[i + 1]) : next[i]);
    scan.replaceAllUsesWith(next);
    scan.erase();
  }

private:
  bool isPart(unsigned i, StringRef part) {
    return scan.getState(i).getPart() && scan.getState(i).getPart().getValue() == part;
  }
  static bool isComplex(Value value) { return isa<ComplexType>(value.getType()); }
  Value pair(Value re, Value im) {
    return complex::CreateOp::create(build, loc, ComplexType::get(re.getType()), re, im);
  }
  Value widen(Value value, Value like) {
    if (isComplex(value) || !isComplex(like))
      return value;
    return pair(value, arith::ConstantOp::create(build, loc, build.getZeroAttr(value.getType())));
  }

  Value plus(Value a, Value b) {
    if (scan.getMax())
      return arith::MaximumFOp::create(build, loc, a, b);
    return isComplex(a) ? Value(complex::AddOp::create(build, loc, a, b)) : arith::AddFOp::create(build, loc, a, b);
  }

  Value times(Value a, Value b) {
    if (scan.getMax())
      return arith::AddFOp::create(build, loc, a, b);
    a = widen(a, b);
    b = widen(b, a);
    return isComplex(a) ? Value(complex::MulOp::create(build, loc, a, b)) : arith::MulFOp::create(build, loc, a, b);
  }

  Value over(Value value, ArrayAttr dims) {
    return scan.getMax() ? Value(MaxOp::create(build, loc, value, dims)) : SumOp::create(build, loc, value, dims);
  }

  Value transition(unsigned row, ArrayRef<Value> h) {
    if (scan.isCoupled()) {
      Value total;
      for (unsigned column = 0; column < h.size(); ++column) {
        Value term = times(scan.getTransition()[row * h.size() + column], h[column]);
        total = total ? plus(total, term) : term;
      }
      return total;
    }
    if (scan.isDense()) {
      Value moved = h[0];
      for (auto [to, from] : llvm::zip_equal(*scan.getOver(), *scan.getFrom()))
        moved = RenameOp::create(build, loc, moved, cast<StringAttr>(to), cast<StringAttr>(from));
      return over(times(scan.getTransition()[0], moved), *scan.getFrom());
    }
    Value kept = h[0];
    if (Value decay = scan.getDecay())
      kept = times(scan.getLog() ? math::ExpOp::create(build, loc, decay) : decay, h[0]);
    if (!scan.isRankOne())
      return kept;
    return plus(kept, times(scan.getLeft(), over(times(scan.getRight(), h[0]), *scan.getOver())));
  }

  /// What the i-th state was `back` steps before.
  Value read(unsigned i, int64_t back) {
    StateAttr state = scan.getState(i);
    Type type = scan.getStreams()[i].getType();
    Value &whole = reads[{state.getName(), state.getBack() + back - 1}];
    if (!whole)
      whole = PreviousOp::create(build, loc, state.getPart() ? Type(ComplexType::get(type)) : type, state.getName(),
                                 state.getLayout(), state.getStored() ? TypeAttr::get(state.getStored()) : TypeAttr(),
                                 state.getBack() + back - 1, state.getSeededBy());
    if (isPart(i, "re"))
      return complex::ReOp::create(build, loc, whole);
    return isPart(i, "im") ? Value(complex::ImOp::create(build, loc, whole)) : whole;
  }

  void writeInitials() {
    for (auto [i, value] : llvm::enumerate(scan.getInit()))
      if (scan.getState(i).getBack() == 1 && !isPart(i, "im"))
        InitialOp::create(build, loc, scan.getState(i).getName(),
                          isPart(i, "re") ? pair(value, scan.getInit()[i + 1]) : value);
  }

  ScanOp scan;
  OpBuilder build;
  Location loc;
  std::map<std::pair<StringRef, int64_t>, Value> reads;
};
} // namespace

void ssm::test::toStepForm(RecurrenceOp recurrence) {
  for (ScanOp scan : llvm::to_vector(recurrence.getBody().front().getOps<ScanOp>()))
    StepWriter(scan).run();
}
