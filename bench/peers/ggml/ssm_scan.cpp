// Times ggml's kernel for state-space models, one graph of one node: ssm-peer-ggml mamba1|mamba2 FOLDER DIM=SIZE…
// (docs/benchmarks.md has the protocol). Tensors have the layout that the kernel wants; making it, adding the bias
// before and the skip connection after are not timed.

#include "ggml-cpu.h"
#include "ggml.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {
constexpr double shortest = 0.02; // seconds of a repetition, as in the other peers

using Values = std::vector<float>;

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

/// A tensor of the library's, read from FOLDER/NAME.f32.
Values read(const std::string &folder, const std::string &name, size_t count) {
  Values values(count);
  std::ifstream file(folder + "/" + name + ".f32", std::ios::binary);
  if (!file.read(reinterpret_cast<char *>(values.data()), count * sizeof(float)))
    fail(folder + "/" + name + ".f32 cannot be read");
  return values;
}

/// [rows, columns] as [columns, rows].
Values transpose(const Values &values, size_t rows, size_t columns) {
  Values result(values.size());
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column)
      result[column * rows + row] = values[row * columns + column];
  return result;
}

/// The operands of one sequence, in the kernel's layouts, and what is added to its result.
struct Problem {
  int64_t states, headdim, heads, groups, steps, decays;
  Values x, dt, A, B, C, skip;
  /// Whether the library's output has time innermost.
  bool timeInnermost;

  /// Adds the bias of each head to every step.
  void addBias(const Values &bias) {
    for (size_t i = 0; i < dt.size(); ++i)
      dt[i] += bias[i % heads];
  }
};

using Sizes = std::map<std::string, int64_t>;

Problem mamba1(const std::string &folder, Sizes size) {
  const int64_t groups = size["group"], channels = groups * size["member"], states = size["state"],
                steps = size["time"];
  Problem problem{states, 1, channels, groups, steps, states, {}, {}, {}, {}, {}, {}, true};
  problem.x = transpose(read(folder, "u", channels * steps), channels, steps);
  problem.dt = transpose(read(folder, "delta", channels * steps), channels, steps);
  problem.A = read(folder, "A", channels * states);
  problem.B = transpose(read(folder, "B", groups * states * steps), groups * states, steps);
  problem.C = transpose(read(folder, "C", groups * states * steps), groups * states, steps);
  problem.skip = read(folder, "D", channels);
  problem.addBias(read(folder, "delta_bias", channels));
  return problem;
}

Problem mamba2(const std::string &folder, Sizes size) {
  const int64_t groups = size["group"], heads = groups * size["per_group"], states = size["state"],
                steps = size["time"];
  Problem problem{states, size["headdim"], heads, groups, steps, 1, {}, {}, {}, {}, {}, {}, false};
  problem.x = read(folder, "x", steps * heads * problem.headdim);
  problem.dt = read(folder, "dt", steps * heads);
  problem.A = read(folder, "A", heads);
  problem.B = read(folder, "B", steps * groups * states);
  problem.C = read(folder, "C", steps * groups * states);
  problem.skip = read(folder, "D", heads);
  problem.addBias(read(folder, "dt_bias", heads));
  return problem;
}

class Scan {
public:
  explicit Scan(const Problem &problem) : problem(problem) {
    const size_t states = problem.states * problem.headdim * problem.heads;
    const size_t floats =
        2 * states + 2 * problem.x.size() + problem.dt.size() + problem.A.size() + problem.B.size() + problem.C.size();
    context = ggml_init({floats * sizeof(float) + (1 << 20), nullptr, false});
    ggml_tensor *ids = ggml_new_tensor_1d(context, GGML_TYPE_I32, 1);
    std::memset(ids->data, 0, ggml_nbytes(ids));
    result = ggml_ssm_scan(context, tensor(Values(states), problem.states, problem.headdim, problem.heads, 1),
                           tensor(problem.x, problem.headdim, problem.heads, problem.steps, 1),
                           tensor(problem.dt, problem.heads, problem.steps, 1, 1),
                           tensor(problem.A, problem.decays, problem.heads, 1, 1),
                           tensor(problem.B, problem.states, problem.groups, problem.steps, 1),
                           tensor(problem.C, problem.states, problem.groups, problem.steps, 1), ids);
    graph = ggml_new_graph(context);
    ggml_build_forward_expand(graph, result);
  }
  Scan(const Scan &) = delete;
  ~Scan() { ggml_free(context); }

  double time(int threads) {
    ggml_cplan plan = ggml_graph_plan(graph, threads, nullptr);
    std::vector<uint8_t> work(plan.work_size);
    plan.work_data = work.data();
    auto begin = std::chrono::steady_clock::now();
    double seconds = 0;
    int calls = 0;
    for (; seconds < shortest; ++calls) {
      if (ggml_graph_compute(graph, &plan) != GGML_STATUS_SUCCESS)
        fail("ggml refuses the graph");
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return seconds / calls;
  }

  void write(const std::string &path) {
    const size_t channels = problem.heads * problem.headdim;
    Values y(problem.x.size());
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = ggml_get_data_f32(result)[i] + problem.skip[i % channels / problem.headdim] * problem.x[i];
    if (problem.timeInnermost)
      y = transpose(y, problem.steps, channels);
    std::ofstream file(path, std::ios::binary);
    if (!file.write(reinterpret_cast<const char *>(y.data()), y.size() * sizeof(float)).flush())
      fail(path + " cannot be written");
  }

private:
  ggml_tensor *tensor(const Values &values, int64_t a, int64_t b, int64_t c, int64_t d) {
    ggml_tensor *made = ggml_new_tensor_4d(context, GGML_TYPE_F32, a, b, c, d);
    std::memcpy(made->data, values.data(), values.size() * sizeof(float));
    return made;
  }

  const Problem &problem;
  ggml_context *context;
  ggml_tensor *result;
  ggml_cgraph *graph;
};
} // namespace

int main(int argc, char **argv) {
  if (argc < 3)
    fail("usage: ssm-peer-ggml mamba1|mamba2 FOLDER DIM=SIZE…");
  const std::string model = argv[1], folder = argv[2];
  Sizes sizes;
  for (int i = 3; i < argc; ++i) {
    const std::string pair = argv[i];
    sizes[pair.substr(0, pair.find('='))] = std::atoll(pair.substr(pair.find('=') + 1).c_str());
  }
  if (sizes["batch"] != 1 || (model != "mamba1" && model != "mamba2"))
    fail("mamba1 or mamba2 of batch 1 only");
  const Problem problem = model == "mamba1" ? mamba1(folder, sizes) : mamba2(folder, sizes);
  Scan scan(problem);
  std::cout << "ggml " << ggml_version() << std::endl;
  for (std::string command, argument; std::cin >> command >> argument;) {
    if (command == "run") {
      std::cout << scan.time(std::atoi(argument.c_str())) << std::endl;
    } else if (command == "write") {
      scan.write(argument);
      std::cout << "written" << std::endl;
    } else {
      fail("unknown command " + command);
    }
  }
}
