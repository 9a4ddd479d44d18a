// From a bundle to its kernels on one multiprocessor.

#include "bench/sm-model/Prediction.h"
#include "bench/sm-model/WarpState.h"
#include "codegen/gpu/Nvdisasm.h"
#include "runtime/Plan.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace ssm;
using namespace ssm::sm;
using llvm::Error;
using llvm::Expected;

static Error failure(const ssm_error &error) { return llvm::createStringError(llvm::Twine(error.message)); }

namespace {
class Predictor {
public:
  Predictor(const Bundle &bundle, const PredictionRequest &request, const Manifest::Function &function)
      : bundle(bundle), request(request), function(function) {}

  Expected<Prediction> run() {
    if (Error error = takeSizes())
      return std::move(error);
    if (Error error = placeTensors())
      return std::move(error);
    llvm::SmallVector<bool> isUsable;
    for (const Manifest::Program &program : function.programs)
      isUsable.push_back(program.target == "sm_90" || program.target == "sm_90a");
    program = chooseProgram(function, sizes.data(), call, isUsable.data());
    if (!program)
      return llvm::createStringError("the bundle has no code for sm_90, which the model is of, for these sizes");
    ssm_error error;
    if (plan.begin(function, *program, sizes.data(), &error))
      return failure(error);
    Expected<std::vector<Listing>> listings = disassembleProgram();
    if (!listings)
      return listings.takeError();
    Prediction prediction = {program->target, program->schedule, {}, 0};
    for (const Manifest::Kernel &kernel : program->kernels)
      if (Error error = add(prediction, kernel, *listings))
        return std::move(error);
    return prediction;
  }

private:
  Error takeSizes() {
    for (const auto &[name, size] : request.sizes)
      if (llvm::none_of(function.dims, [&](const Manifest::Dim &dim) { return dim.name == name; }))
        return llvm::createStringError("there is no dimension '" + name + "'");
    for (const Manifest::Dim &dim : function.dims) {
      const Manifest::Dim &own = function.dims[dim.extent];
      auto given = request.sizes.find(own.name);
      if (given == request.sizes.end() && !own.size)
        return llvm::createStringError("the size of '" + own.name + "' is not known; give it with --dim");
      sizes.push_back(given == request.sizes.end() ? *own.size : given->second);
    }
    ssm_error error;
    return checkSizes(function, sizes.data(), sizes.data(), &error) ? failure(error) : Error::success();
  }

  /// An address of its own for each array, by which the trace knows where it comes from. The last is the workspace.
  static void *addressOf(size_t array) { return reinterpret_cast<void *>((array + 1) << TraceLaunch::addressBits); }

  Error placeTensors() {
    strides.resize(function.tensors.size());
    for (auto [number, tensor] : llvm::enumerate(function.tensors)) {
      int64_t shape[32];
      size_t bytes;
      ssm_error error;
      if (shapeOf(tensor, sizes.data(), shape, bytes, &error))
        return failure(error);
      if (bytes >> TraceLaunch::addressBits)
        return llvm::createStringError("the tensor '" + tensor.name + "' is larger than the model has room for");
      if (!tensor.isOptional())
        strides[number] = contiguousStrides(Shape(shape, shape + tensor.rank()));
      tensors.push_back({tensor.isOptional() ? nullptr : addressOf(number), strides[number].data()});
    }
    call.sizes = sizes.data();
    call.tensors = tensors.data();
    call.workspace = addressOf(function.tensors.size());
    return Error::success();
  }

  Expected<std::vector<Listing>> disassembleProgram() {
    auto code = llvm::find_if(program->code, [](const Manifest::Code &code) { return code.kind == "cubin"; });
    if (code == program->code.end())
      return llvm::createStringError("the bundle has no machine code: ptxas was not there when it was compiled");
    Expected<std::string> text = disassemble(bundle.files.at(code->file), Disassembly::Bits);
    if (!text)
      return text.takeError();
    return parseListing(*text);
  }

  /// An array that has all dimensions of the grid is read by one block each part; others come from the second cache
  /// after their first reader.
  std::vector<bool> fromDram(const Manifest::Kernel &kernel) const {
    std::vector<bool> result;
    for (const Manifest::Tensor &tensor : function.tensors)
      result.push_back(llvm::all_of(kernel.grid, [&](const Manifest::Tiles &tiles) {
        auto has = [&](const std::vector<size_t> &axis) { return llvm::is_contained(axis, tiles.of); };
        return tiles.of >= sizes.size() || sizes[tiles.of] <= tiles.tile || llvm::any_of(tensor.layout, has);
      }));
    return result;
  }

  Error add(Prediction &prediction, const Manifest::Kernel &kernel, llvm::ArrayRef<Listing> listings) {
    auto listing = llvm::find_if(listings, [&](const Listing &one) { return one.name == kernel.entry; });
    if (listing == listings.end())
      return llvm::createStringError("the machine code has no kernel '" + kernel.entry + "'");
    std::vector<uint64_t> words(Plan::maxWords);
    size_t count = 0;
    int64_t tasks = 0;
    ssm_error error;
    if (plan.launch(kernel, call, tasks, words.data(), count, &error))
      return failure(error);
    if (tasks == 0)
      return Error::success();
    if (count > WarpState::mostArguments)
      return llvm::createStringError("'" + kernel.entry + "' has more arguments than the model has room for");
    if (listing->registers == 0)
      return llvm::createStringError("the machine code does not say how many registers '" + kernel.entry + "' takes");
    words.resize(count);
    KernelPrediction result;
    result.name = kernel.entry;
    result.registers = listing->registers;
    result.sharedBytes = kernel.staticShared + kernel.dynamicShared;
    result.threads = kernel.threads;
    result.blocks = tasks;
    result.blocksOfBusiest = llvm::divideCeil(tasks, static_cast<int64_t>(request.parameters.multiprocessors));
    result.occupancy = occupancy(multiprocessor(90), kernel.threads, listing->registers, result.sharedBytes);
    if (result.occupancy.blocks == 0)
      return llvm::createStringError("no block of '" + kernel.entry + "' fits: " + result.occupancy.limit);
    TraceLaunch launch = {tasks, kernel.threads, words, fromDram(kernel),
                          static_cast<int64_t>(request.parameters.cachedSectors)};
    if (Error error = run(result, *listing, launch))
      return error;
    prediction.milliseconds +=
        result.replay.clocks / request.parameters.gigahertz * 1e-6 + request.parameters.launchMicroseconds * 1e-3;
    prediction.kernels.push_back(std::move(result));
    return Error::success();
  }

  Error run(KernelPrediction &result, const Listing &listing, const TraceLaunch &launch) {
    Workload workload;
    workload.code = &listing.instructions;
    workload.blocks = result.blocksOfBusiest;
    workload.resident = std::min(result.occupancy.blocks, result.blocksOfBusiest);
    for (int64_t warp = 0; warp * WarpState::lanes < launch.threads; ++warp) {
      Expected<std::vector<Step>> trace = traceWarp(listing, launch, warp);
      if (!trace)
        return trace.takeError();
      workload.traces.push_back(std::move(*trace));
    }
    result.warpInstructions = workload.traces.front().size();
    Expected<ReplayResult> replayed = replay(workload, request.parameters);
    if (!replayed)
      return replayed.takeError();
    result.replay = *replayed;
    return Error::success();
  }

  const Bundle &bundle;
  const PredictionRequest &request;
  const Manifest::Function &function;
  const Manifest::Program *program = nullptr;
  std::vector<int64_t> sizes;
  std::vector<Shape> strides;
  std::vector<ssm_tensor> tensors;
  ssm_call call = {};
  Plan plan;
};
} // namespace

Expected<Prediction> ssm::sm::predict(const Bundle &bundle, const PredictionRequest &request) {
  for (const Manifest::Function &function : bundle.manifest.functions)
    if (function.mode == request.mode && (request.dtype.empty() || function.dtype == request.dtype))
      return Predictor(bundle, request, function).run();
  return llvm::createStringError("the bundle has no function of mode '" + request.mode + "'" +
                                 (request.dtype.empty() ? "" : " for '" + request.dtype + "'"));
}
