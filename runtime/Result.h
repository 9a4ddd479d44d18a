#ifndef SSM_RUNTIME_RESULT_H
#define SSM_RUNTIME_RESULT_H

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace ssm {

/// Why something could not be done, in words for the user.
struct Problem {
  std::string message;
};

/// A value, or the problem that kept it from being made. What llvm::Expected is, for code that must do without LLVM.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Problem problem) : content(std::in_place_index<1>, std::move(problem)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() {
    assert(*this && "there is no value");
    return *std::get_if<0>(&content);
  }
  const T &operator*() const {
    assert(*this && "there is no value");
    return *std::get_if<0>(&content);
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }
  /// What went wrong; only where there is no value.
  const std::string &error() const {
    assert(!*this && "there is a value");
    return std::get_if<1>(&content)->message;
  }
  Problem problem() const { return Problem{error()}; }

private:
  std::variant<T, Problem> content;
};

} // namespace ssm

#endif
