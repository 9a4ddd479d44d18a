#ifndef SSM_CODEGEN_EMULATOR_FIBERS_H
#define SSM_CODEGEN_EMULATOR_FIBERS_H

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace ssm::emulator {

using Fiber = boost::context::fiber;

/// A thread's local memory is on its stack: up to 1 MiB that loops keep, and what LLVM spills. Pages that are never
/// touched cost nothing, and stacks are used again.
class StackPool {
public:
  static constexpr size_t size = size_t(1280) << 10;

  ~StackPool() {
    for (void *stack : free)
      munmap(stack, size);
  }

  void *take() {
    if (free.empty()) {
      void *stack =
          mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
      if (stack == MAP_FAILED)
        throw std::bad_alloc();
      return stack;
    }
    void *stack = free.back();
    free.pop_back();
    return stack;
  }
  void give(void *stack) { free.push_back(stack); }

private:
  std::vector<void *> free;
};

/// What Boost.Context asks for stacks; `top` is told where it ends.
struct StackAllocator {
  StackPool *pool;
  const char **top;
  boost::context::stack_context allocate() const {
    boost::context::stack_context context;
    context.size = StackPool::size;
    context.sp = static_cast<char *>(pool->take()) + StackPool::size;
    *top = static_cast<const char *>(context.sp);
    return context;
  }
  void deallocate(boost::context::stack_context &context) const {
    pool->give(static_cast<char *>(context.sp) - StackPool::size);
  }
};

} // namespace ssm::emulator

#endif
