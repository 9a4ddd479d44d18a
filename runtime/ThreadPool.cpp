// Threads for kernels' tasks.

#include "runtime/ThreadPool.h"

#include <algorithm>

using namespace ssm;

ThreadPool::ThreadPool(unsigned threads) {
  try {
    workers.reserve(threads);
    for (unsigned number = 1; number < threads; ++number)
      workers.emplace_back([this] { serve(); });
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    std::lock_guard<std::mutex> guard(lock);
    isOver = true;
  }
  arrived.notify_all();
  for (std::thread &worker : workers)
    worker.join();
  workers.clear();
}

void ThreadPool::takeTasks(Work &work) {
  // No task is taken past the end, so the number cannot overflow however many ask.
  int64_t begin = work.next.load(std::memory_order_relaxed);
  while (begin < work.tasks) {
    const int64_t end = begin + std::min(work.block, work.tasks - begin);
    if (work.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) {
      work.kernel(work.words, begin, end);
      begin = work.next.load(std::memory_order_relaxed);
    }
  }
}

void ThreadPool::list(Work &work) {
  work.before = last;
  (last ? last->after : first) = &work;
  last = &work;
  work.isListed = true;
}

void ThreadPool::unlist(Work &work) {
  if (!work.isListed)
    return;
  (work.before ? work.before->after : first) = work.after;
  (work.after ? work.after->before : last) = work.before;
  work.isListed = false;
}

void ThreadPool::serve() {
  std::unique_lock<std::mutex> guard(lock);
  while (true) {
    arrived.wait(guard, [&] { return isOver || first; });
    if (isOver)
      return;
    Work &work = *first;
    ++work.active;
    guard.unlock();
    takeTasks(work);
    guard.lock();
    unlist(work);
    // Under the lock, since the caller may leave, and its work with it, as soon as it sees this.
    if (--work.active == 0)
      work.left.notify_one();
  }
}

void ThreadPool::run(Kernel kernel, const uint64_t *words, int64_t tasks) {
  if (workers.empty() || tasks <= 1) {
    if (tasks > 0)
      kernel(words, 0, tasks);
    return;
  }
  // Tasks at an edge, or of a slow core, take longer: parts are small enough to even that out, and keep neighbours
  // together.
  constexpr int64_t partsOfThread = 8;
  Work work{kernel, words, tasks, std::max<int64_t>(1, tasks / (int64_t(threads()) * partsOfThread))};
  {
    std::lock_guard<std::mutex> guard(lock);
    list(work);
  }
  // Threads beyond the parts would come for nothing.
  const int64_t parts = (tasks - 1) / work.block + 1;
  if (parts > static_cast<int64_t>(workers.size()))
    arrived.notify_all();
  else
    for (int64_t part = 1; part < parts; ++part)
      arrived.notify_one();
  takeTasks(work);
  std::unique_lock<std::mutex> guard(lock);
  unlist(work);
  work.left.wait(guard, [&] { return work.active == 0; });
}
