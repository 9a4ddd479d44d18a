#include "codegen/binding/SizeSolver.h"
#include "runtime/Safetensors.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

Error SizeSolver::set(StringRef dim, int64_t size, const std::string &source) {
  auto [it, isNew] = known.try_emplace(recurrence.extentOf(dim), Known{size, source});
  if (isNew || it->second.size == size)
    return Error::success();
  return llvm::createStringError("dimension '" + dim + "' has size " + Twine(size) + " (" + source + "), but size " +
                                 Twine(it->second.size) + " (" + it->second.source + ")");
}

void SizeSolver::addAxis(const std::string &tensor, unsigned number, int64_t size, llvm::ArrayRef<StringRef> parts) {
  Axis axis{tensor, number, size, {}, {}};
  for (StringRef part : parts) {
    axis.parts.push_back(part.str());
    axis.extents.push_back(recurrence.extentOf(part).str());
  }
  axes.push_back(std::move(axis));
}

std::string SizeSolver::describe(const Axis &axis) const {
  return "axis " + std::to_string(axis.number) + " of tensor " + printable(axis.tensor);
}

Error SizeSolver::refuse(const Axis &axis) const {
  std::string text = describe(axis) + " has size " + std::to_string(axis.size) + ", but ";
  llvm::ListSeparator separator(" and ");
  for (auto [part, extent] : llvm::zip(axis.parts, axis.extents)) {
    auto it = known.find(extent);
    if (it != known.end())
      text +=
          (StringRef(separator) + "'" + part + "' has size " + Twine(it->second.size) + " (" + it->second.source + ")")
              .str();
  }
  return llvm::createStringError(text);
}

Expected<bool> SizeSolver::visit(Axis &axis) {
  int64_t product = 1;
  llvm::SmallVector<StringRef> open;
  bool overflow = false;
  for (StringRef extent : axis.extents) {
    auto it = known.find(extent);
    if (it == known.end())
      open.push_back(extent);
    else
      overflow |= llvm::MulOverflow(product, it->second.size, product);
  }
  // A size of 0 hides an overflow, and then tells nothing about the other parts.
  const bool empty = llvm::any_of(axis.extents, [&](StringRef extent) {
    auto it = known.find(extent);
    return it != known.end() && it->second.size == 0;
  });
  if (open.size() > 1 || (open.size() == 1 && empty && axis.size == 0))
    return false;
  axis.done = true;
  if (empty ? axis.size != 0 : overflow || (open.empty() && product != axis.size))
    return refuse(axis);
  if (open.empty())
    return false;
  if (axis.size % product != 0)
    return llvm::joinErrors(refuse(axis),
                            llvm::createStringError("the size of '" + open[0] + "' is what they leave of it, and " +
                                                    Twine(axis.size) + " is not a multiple of " + Twine(product)));
  known.try_emplace(open[0], Known{axis.size / product, describe(axis)});
  return true;
}

bool SizeSolver::assumeOne() {
  for (Axis &axis : axes) {
    if (axis.done || axis.extents.size() < 2)
      continue;
    for (StringRef extent : llvm::ArrayRef(axis.extents).drop_back())
      if (!known.contains(extent)) {
        std::optional<int64_t> size = recurrence.sizeOf(extent);
        known.try_emplace(extent, size ? Known{*size, "its default"} : Known{1, "it stands in no axis alone"});
        return true;
      }
  }
  return false;
}

Error SizeSolver::solve() {
  bool progress = true;
  while (progress) {
    progress = false;
    for (Axis &axis : axes) {
      if (axis.done)
        continue;
      Expected<bool> told = visit(axis);
      if (!told)
        return told.takeError();
      progress |= *told;
    }
    progress = progress || assumeOne();
  }
  return Error::success();
}

std::map<std::string, int64_t> SizeSolver::sizes() const {
  std::map<std::string, int64_t> result;
  for (const auto &entry : known)
    result[entry.getKey().str()] = entry.getValue().size;
  return result;
}
