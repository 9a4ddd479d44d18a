#ifndef SSM_RUNTIME_THREADPOOL_H
#define SSM_RUNTIME_THREADPOOL_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace ssm {

/// Runs the tasks of kernels on threads that are there from the beginning. Any number of callers may come at once: each
/// works on its own tasks, and threads that have nothing to do join whoever still has some.
class ThreadPool {
public:
  /// Runs the tasks from `begin` to `end` with the arguments `words`.
  using Kernel = void (*)(const uint64_t *words, int64_t begin, int64_t end);

  /// `threads` is how many work on one caller's tasks, the caller among them. Throws std::system_error where threads
  /// cannot be made.
  explicit ThreadPool(unsigned threads);
  /// No caller may be left.
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;

  unsigned threads() const { return static_cast<unsigned>(workers.size()) + 1; }

  /// Runs tasks 0 to `tasks` and returns when all are done. Allocates nothing.
  void run(Kernel kernel, const uint64_t *words, int64_t tasks);

private:
  /// The tasks of one caller, on its stack: it leaves when no thread works on them any more.
  struct Work {
    Kernel kernel;
    const uint64_t *words;
    int64_t tasks, block;
    /// Of the first task that nobody has taken.
    std::atomic<int64_t> next{0};
    /// Workers on it, and the list of those that have tasks left; under the pool's lock.
    unsigned active = 0;
    Work *before = nullptr, *after = nullptr;
    bool isListed = false;
    std::condition_variable left{};
  };
  static void takeTasks(Work &work);
  void list(Work &work);
  void unlist(Work &work);
  void serve();
  void stop();

  std::mutex lock;
  std::condition_variable arrived;
  Work *first = nullptr, *last = nullptr;
  bool isOver = false;
  std::vector<std::thread> workers;
};

} // namespace ssm

#endif
