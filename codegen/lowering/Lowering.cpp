// Runs the pipeline on a copy of one recurrence.

#include "codegen/lowering/Lowering.h"
#include "dialect/AffineAnalysis.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "passes/BlockSteps.h"
#include "passes/ChunkScan.h"
#include "passes/ChunkSchedule.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "schedule/DefaultReasons.h"
#include "schedule/Machine.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

static Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static Error run(ModuleOp module, llvm::function_ref<void(OpPassManager &)> fill) {
  PassManager passes(module.getContext());
  fill(passes);
  if (failed(passes.run(module)))
    return fail("the recurrence could not be compiled");
  return Error::success();
}

static LoweredKernel &addKernel(Lowered &lowered, RecurrenceOp recurrence, const LoweringOptions &options,
                                const Placement &placement) {
  LoweredKernel &kernel = lowered.kernels.emplace_back();
  kernel.name = kernelName(recurrence, options.packed);
  kernel.placement = placement;
  kernel.interface = getKernelInterface(recurrence);
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    kernel.dims.emplace_back(dim.getName().str(), recurrence.extentOf(dim.getName()).str());
  return kernel;
}

/// Places the parts of a kernel in ticket order as the last of them is placed by the schedule.
static Error scheduleParts(Lowered &lowered, const LoweringOptions &options) {
  SmallVector<RecurrenceOp> parts(lowered.module->getOps<RecurrenceOp>());
  RecurrenceOp last = parts.back();
  Expected<Schedule> wanted = parseSchedule(options.schedule);
  if (!wanted)
    return wanted.takeError();
  lowered.schedule = printSchedule(*wanted);
  Expected<Placement> placement = placeSchedule(last, *wanted, options.target.machine);
  if (!placement)
    return placement.takeError();
  SmallVector<KernelInterface> interfaces;
  for (RecurrenceOp part : parts) {
    Schedule own = part == last ? *wanted : scheduleInTicketOrder(part, last, *wanted, *placement);
    Expected<Placement> placed = placeSchedule(part, own, options.target.machine);
    if (!placed)
      return placed.takeError();
    part->setAttr("ssm.schedule", StringAttr::get(part.getContext(), printSchedule(own)));
    interfaces.push_back(getPartInterface(part, *placed, options.target.isGpu()));
  }
  addKernel(lowered, last, options, *placement).interface = joinInterfaces(parts, interfaces, *placement);
  return Error::success();
}

/// Chooses or parses a prepared recurrence's schedule, and finds every dimension's place. What runs over chunks has the
/// default: no dimension of it is summed.
static Error schedule(Lowered &lowered, RecurrenceOp recurrence, const LoweringOptions &options) {
  const Target &machine = options.target.machine;
  bool overChunks = ChunkRole(recurrence).isJoin();
  bool isAuto = options.schedule == "auto" || overChunks;
  Expected<Schedule> wanted =
      isAuto ? defaultSchedule(recurrence, machine, options.hints) : parseSchedule(options.schedule);
  if (!wanted)
    return wanted.takeError();
  if (!overChunks)
    lowered.schedule = printSchedule(*wanted);
  if (ChunkRole(recurrence).isPart() && !overChunks)
    wanted = scheduleOfTotal(recurrence, *wanted);
  BlockRole blocks(recurrence);
  if (blocks.steps() || blocks.restOf())
    wanted = scheduleOfBlocks(*wanted, recurrence.getScan(), std::max<int64_t>(1, blocks.steps()));
  Expected<Placement> placement = placeSchedule(recurrence, *wanted, machine);
  if (!placement)
    return placement.takeError();
  recurrence->setAttr("ssm.schedule", StringAttr::get(recurrence.getContext(), printSchedule(*wanted)));
  LoweredKernel &kernel = addKernel(lowered, recurrence, options, *placement);
  setAlignments(kernel.interface, recurrence, *placement, options.target.isGpu());
  kernel.overChunks = overChunks;
  kernel.blockSteps = blocks.steps();
  kernel.restOf = blocks.restOf();
  return Error::success();
}

static Error scheduleAll(Lowered &lowered, const LoweringOptions &options) {
  auto parts = lowered.module->getOps<RecurrenceOp>();
  if (ChunkRole(*parts.begin()).inTicketOrder())
    return scheduleParts(lowered, options);
  for (RecurrenceOp part : parts)
    if (Error error = schedule(lowered, part, options))
      return error;
  return Error::success();
}

/// The default schedule of a recurrence that is not prepared yet.
static Expected<Schedule> chooseDefault(ModuleOp module, const LoweringOptions &options,
                                        std::vector<std::string> &reasons) {
  OwningOpRef<ModuleOp> trial = cast<ModuleOp>(module->clone());
  if (Error error = run(*trial, addPrepare))
    return std::move(error);
  return defaultSchedule(*trial->getOps<RecurrenceOp>().begin(), options.target.machine, options.hints, reasons);
}

/// On a GPU the default schedule may put the scan on the grid: it is taken down in `options` before anything is cut.
static Error chooseForGpu(Lowered &lowered, RecurrenceOp recurrence, LoweringOptions &options) {
  if (options.schedule != "auto" || !options.target.isGpu())
    return Error::success();
  Expected<Schedule> wanted = chooseDefault(*lowered.module, options, lowered.reasons);
  if (!wanted)
    return wanted.takeError();
  std::optional<int64_t> steps = chunkSteps(*wanted, recurrence.getScan());
  if (Error error = steps ? checkChunks(recurrence, *steps) : Error::success()) {
    LoweringOptions whole = options;
    whole.target.machine.cutsTime = false;
    lowered.reasons.clear();
    wanted = chooseDefault(*lowered.module, whole, lowered.reasons);
    lowered.reasons.back() = recurrence.getScan().str() + " is not cut into chunks: " + toString(std::move(error));
    if (!wanted)
      return wanted.takeError();
  }
  options.schedule = printSchedule(*wanted);
  return Error::success();
}

/// A scan that the schedule puts on the grid becomes recurrences over chunks.
static Error cutIntoChunks(ModuleOp module, RecurrenceOp recurrence, const LoweringOptions &options) {
  if (options.schedule == "auto")
    return Error::success();
  Expected<Schedule> wanted = parseSchedule(options.schedule);
  if (!wanted)
    return wanted.takeError();
  std::optional<int64_t> steps = chunkSteps(*wanted, recurrence.getScan());
  if (!steps)
    return Error::success();
  if (Error error = checkChunks(recurrence, *steps)) {
    for (const Component &component : AffineAnalysis(recurrence).components())
      if (component.breaks)
        emitRemark(component.breaks->getLoc(), "this is what cannot be scanned");
    return error;
  }
  bool inTicketOrder = runsInTicketOrder(*wanted, recurrence.getScan(), options.target.machine);
  return run(module, [&](OpPassManager &passes) { passes.addPass(createChunkScan({*steps, inTicketOrder})); });
}

/// Where registers hold steps and a state is on a loop inside theirs, blocks of steps become a recurrence of their own,
/// beside the one that runs what is left of them. A default schedule that has such blocks is taken down in `options`.
static Error cutIntoBlocks(ModuleOp module, RecurrenceOp recurrence, LoweringOptions &options) {
  if (options.target.isGpu() || ChunkRole(recurrence).steps())
    return Error::success();
  if (options.schedule == "auto") {
    std::vector<std::string> reasons;
    Expected<Schedule> wanted = chooseDefault(module, options, reasons);
    if (!wanted)
      return wanted.takeError();
    if (!blockedSteps(recurrence, *wanted, options.target.machine))
      return Error::success();
    if (Error error = checkBlocks(recurrence)) {
      llvm::consumeError(std::move(error));
      wanted = scheduleOfBlocks(*wanted, recurrence.getScan(), 1);
    }
    options.schedule = printSchedule(*wanted);
  }
  Expected<Schedule> wanted = parseSchedule(options.schedule);
  if (!wanted)
    return wanted.takeError();
  std::optional<int64_t> steps = blockedSteps(recurrence, *wanted, options.target.machine);
  if (!steps)
    return Error::success();
  if (Error error = checkBlocks(recurrence))
    return error;
  if (std::optional<int64_t> tile = wanted->lookup(recurrence.getScan())->countWritten(Level::Loop);
      tile && *tile % *steps)
    return fail("'" + recurrence.getScan() + "=loop:" + llvm::Twine(*tile) + "' is not a multiple of the " +
                llvm::Twine(*steps) + " steps inside it");
  return run(module, [&](OpPassManager &passes) {
    passes.addPass(createBlockSteps({*steps}));
    addFold(passes);
  });
}

/// Where a schedule runs several steps at once, states become scans, but for what runs over chunks.
static Error makeStreams(ModuleOp module, const LoweringOptions &options) {
  if (options.schedule.empty() || options.schedule == "auto")
    return Error::success();
  Expected<Schedule> wanted = parseSchedule(options.schedule);
  if (!wanted)
    return wanted.takeError();
  for (auto part : module.getOps<RecurrenceOp>()) {
    BlockRole blocks(part);
    if (ChunkRole(part).isJoin() || blocks.steps() || blocks.restOf() ||
        !runsStepsAtOnce(*wanted, part.getScan(), options.target.machine))
      continue;
    if (Error error = checkLanes(part))
      return error;
    PassManager passes(module.getContext(), RecurrenceOp::getOperationName());
    // Diagnostics of what cannot be a scan are errors here, and made above.
    passes.addPass(createLinearize());
    passes.addPass(createCSEPass());
    if (failed(passes.run(part)))
      return fail("the recurrence could not be compiled");
  }
  return Error::success();
}

/// Whether the kernels' exponentials can be what the schedule asks of them, as ssm-expand-math has counted them.
static Error checkExponentials(const Lowered &lowered) {
  int64_t special = 0, polynomials = 0;
  ModuleOp module = lowered.module.get();
  for (auto kernel : module.getOps<func::FuncOp>())
    if (auto counts = kernel->getAttrOfType<DenseI64ArrayAttr>("ssm.exponentials")) {
      special += counts[0];
      polynomials += counts[1];
    }
  std::optional<int64_t> wanted = lowered.main().placement.polynomials;
  if (!wanted || (*wanted == 0 ? special : polynomials) > 0)
    return Error::success();
  std::string text = "'exp=" +
                     (*wanted == 0                           ? std::string("mufu")
                      : *wanted == Placement::allPolynomials ? "poly"
                                                             : "split:" + std::to_string(*wanted)) +
                     "'";
  if (special == 0)
    return fail(text + ": the kernel has no exponentials of f32, which alone may be special functions");
  return fail(text + " makes no exponential a polynomial: too few stand together for " + llvm::Twine(*wanted) +
              " of each " + llvm::Twine(Placement::allPolynomials) + " to be one (more steps or states on reg)");
}

/// Whether as many blocks as the schedule asks for have room for their warps and shared memory on a multiprocessor.
/// Registers follow: the assembler bounds them.
static Error checkResidentBlocks(const Lowered &lowered, const CompileTarget &target) {
  for (const LoweredKernel &kernel : lowered.kernels) {
    int64_t blocks = kernel.placement.residentBlocks, threads = kernel.placement.threads();
    if (blocks == 0)
      continue;
    Occupancy most = occupancy(multiprocessor(target.capability), threads, /*registers=*/1, kernel.shared);
    if (blocks > most.blocks)
      return fail("'blocks=" + llvm::Twine(blocks) + "': " + llvm::Twine(most.blocks) + " blocks of " +
                  llvm::Twine(threads) + " threads and " + llvm::Twine(kernel.shared) +
                  " bytes of shared memory are on a multiprocessor of " + target.name + " at most, limited by " +
                  most.limit);
  }
  return Error::success();
}

/// What blocks share, as ssm-lower-to-gpu has found it.
static Error takeSharedMemory(Lowered &lowered, const CompileTarget &target) {
  lowered.module->walk([&](Operation *op) {
    auto all = op->getAttrOfType<IntegerAttr>("ssm.shared"),
         atLaunch = op->getAttrOfType<IntegerAttr>("ssm.dynamic_shared");
    auto name = op->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    for (LoweredKernel &kernel : lowered.kernels)
      if (all && kernel.name == name.getValue()) {
        kernel.shared = all.getInt();
        kernel.dynamicShared = atLaunch ? atLaunch.getInt() : 0;
      }
  });
  for (const LoweredKernel &kernel : lowered.kernels) {
    if (kernel.dynamicShared == 0)
      continue;
    int64_t most = multiprocessor(target.capability).sharedPerBlock();
    if (kernel.dynamicShared > most)
      return fail("the schedule takes " + llvm::Twine(kernel.dynamicShared) + " bytes of a block's shared memory; " +
                  target.name + " has " + llvm::Twine(most) + ", and shorter time tiles take less");
  }
  return Error::success();
}

Expected<Lowered> ssm::lower(RecurrenceOp recurrence, const LoweringOptions &given, LoweringLevel level) {
  LoweringOptions options = given;
  MLIRContext *context = recurrence.getContext();
  context->loadDialect<gpu::GPUDialect, NVVM::NVVMDialect>();
  // Upstream finds how to lower a dialect to LLVM through these.
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  context->appendDialectRegistry(registry);

  Lowered lowered;
  lowered.module = ModuleOp::create(recurrence.getLoc());
  OpBuilder builder(lowered.module->getBodyRegion());
  auto copy = cast<RecurrenceOp>(builder.clone(*recurrence));
  if (Error error = chooseForGpu(lowered, copy, options))
    return std::move(error);
  if (Error error = cutIntoChunks(*lowered.module, copy, options))
    return std::move(error);
  if (Error error = cutIntoBlocks(*lowered.module, copy, options))
    return std::move(error);
  if (Error error = makeStreams(*lowered.module, options))
    return std::move(error);
  if (Error error = run(*lowered.module, addPrepare))
    return std::move(error);
  if (Error error = scheduleAll(lowered, options))
    return std::move(error);

  if (level == LoweringLevel::Scheduled)
    return lowered;
  PipelineOptions pipeline{lowered.schedule, options.target.machine, options.packed, options.target.cpu,
                           options.target.features};
  Error error = run(*lowered.module, [&](OpPassManager &passes) {
    addTile(passes, pipeline);
    if (level != LoweringLevel::Tiled)
      addLowerTiles(passes, pipeline);
  });
  if (error || level == LoweringLevel::Tiled)
    return error ? Expected<Lowered>(std::move(error)) : std::move(lowered);
  if (Error error = checkExponentials(lowered))
    return std::move(error);
  error = run(*lowered.module, [&](OpPassManager &passes) {
    if (options.target.isGpu())
      addLowerToGpu(passes);
    if (level == LoweringLevel::Kernels)
      return;
    if (options.target.isGpu())
      addLowerToNvvm(passes, pipeline);
    else
      addLowerToCpu(passes);
    if (options.locations)
      passes.addPass(LLVM::createDIScopeForLLVMFuncOpPass());
  });
  if (error)
    return std::move(error);
  if (Error error = takeSharedMemory(lowered, options.target))
    return std::move(error);
  if (Error error = checkResidentBlocks(lowered, options.target))
    return std::move(error);
  return lowered;
}

Expected<std::unique_ptr<llvm::Module>> ssm::translate(const Lowered &lowered, const CompileTarget &target,
                                                       llvm::LLVMContext &context) {
  ModuleOp kernels = lowered.module.get();
  Operation *root = kernels;
  if (target.isGpu())
    root = *kernels.getOps<gpu::GPUModuleOp>().begin();
  std::unique_ptr<llvm::Module> module = translateModuleToLLVMIR(root, context, lowered.main().name);
  if (!module)
    return fail("the recurrence could not be translated to LLVM IR");
  module->setTargetTriple(llvm::Triple(target.triple));
  for (const llvm::Function &function : *module)
    if (function.isDeclaration() && !function.isIntrinsic())
      return fail("the kernel would call '" + function.getName() + "', which no library provides");
  return module;
}
