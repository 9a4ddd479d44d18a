#include "bench/Case.h"
#include "codegen/binding/Binding.h"
#include "codegen/lowering/ScheduleChoice.h"
#include "frontend/Frontend.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Specialize.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

using namespace mlir;
using namespace ssm;

static llvm::Error refuse(const llvm::Twine &text) { return llvm::createStringError(text); }

static llvm::Expected<OwningOpRef<ModuleOp>> parseModel(MLIRContext &context, const std::string &model) {
  const std::string path = SSM_SOURCE_DIR "/models/" + model + ".ssm";
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return refuse(path + ": " + file.getError().message());
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*file), {});
  auto module = parseSource(sources, &context);
  if (!module)
    return refuse(path + " has errors");
  return module;
}

llvm::Expected<BenchCase> BenchCase::make(MLIRContext &context, const nlohmann::json &description) {
  BenchCase made;
  auto module = parseModel(context, description.at("model"));
  if (!module)
    return module.takeError();
  made.module = std::move(*module);
  made.recurrence = *made.module->getOps<RecurrenceOp>().begin();
  SpecializeParameters parameters;
  parameters.dims = description.at("dims").get<std::map<std::string, int64_t>>();
  parameters.without = description.value("without", std::vector<std::string>());
  PassManager manager(&context, RecurrenceOp::getOperationName());
  manager.addPass(createSpecialize(parameters));
  manager.addPass(createDiscretize());
  if (failed(manager.run(made.recurrence)))
    return refuse("the case does not fit its model");
  if (llvm::Error error = requireSizes(made.recurrence))
    return error;
  if (llvm::Error error = made.makeArguments(description))
    return error;
  return made;
}

llvm::Error BenchCase::makeArguments(const nlohmann::json &description) {
  const auto ranges = description.value("ranges", std::map<std::string, std::array<float, 2>>());
  for (const auto &[name, range] : ranges)
    if (!llvm::any_of(recurrence.getBody().front().getOps<InputOp>(),
                      [&](InputOp input) { return input.getName() == name; }))
      return refuse("a range for '" + name + "', which is no input");
  std::mt19937 random(1);
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    auto shape = shapeOf(recurrence, input.getLayout());
    Tensor tensor = Tensor::zeros(dtypeOf(*input.getStored()), *shape), parts = tensor.asReal();
    auto range = ranges.find(input.getName().str());
    std::uniform_real_distribution<float> values(range == ranges.end() ? -1 : range->second[0],
                                                 range == ranges.end() ? 1 : range->second[1]);
    for (int64_t i = 0; i < parts.numElements(); ++i)
      parts.dataAs<float>()[i] = values(random);
    this->values.inputs.emplace(input.getName().str(), tensor);
  }
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    values.outputs.emplace(output.getName().str(), Tensor::zeros(DType::F32, *shapeOf(recurrence, output.getLayout())));
  if (values.outputs.size() != 1)
    return refuse("a case has one output");
  values.sizes = description.at("dims").get<std::map<std::string, int64_t>>();
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<CpuKernel>> BenchCase::compile(unsigned threads) {
  auto target = parseTarget("cpu");
  if (!target)
    return target.takeError();
  auto choice = chooseSchedule(recurrence, *target, threads, "auto", {.file = ""});
  if (!choice)
    return choice.takeError();
  return compileForCpu(recurrence, choice->schedule, threads);
}

std::vector<const float *> BenchCase::inputs() const {
  std::vector<const float *> list;
  RecurrenceOp op = recurrence;
  for (auto input : op.getBody().front().getOps<InputOp>())
    list.push_back(values.inputs.at(input.getName().str()).dataAs<float>());
  return list;
}

std::vector<int64_t> BenchCase::sizes() const {
  std::vector<int64_t> list;
  RecurrenceOp op = recurrence;
  for (auto dim : op.getDims().getAsRange<DimAttr>())
    if (!dim.getLike() && dim.getName() != op.getScan())
      list.push_back(*dim.getSize());
  list.push_back(*op.sizeOf(op.getScan()));
  return list;
}

llvm::Error BenchCase::writeInputs(const std::string &folder) const {
  for (const auto &[name, tensor] : values.inputs) {
    const std::string path = folder + "/" + name + ".f32";
    std::ofstream file(path, std::ios::binary);
    if (!file.write(static_cast<const char *>(tensor.data()), tensor.numBytes()).flush())
      return refuse(path + " cannot be written");
  }
  return llvm::Error::success();
}
