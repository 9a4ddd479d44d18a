#include "test/support/KernelText.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace ssm::test;
using namespace ssm::emulator;

static const char *declarations = R"(
target triple = "nvptx64-nvidia-cuda"
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.bar.warp.sync(i32)
declare i32 @llvm.nvvm.shfl.sync.bfly.i32(i32, i32, i32, i32)
declare void @llvm.nvvm.membar.gl()
declare void @llvm.nvvm.nanosleep(i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.ca.shared.global.8(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.ca.shared.global.16(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3), ptr addrspace(1), i32)
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare void @llvm.nvvm.cp.async.wait.all()
declare void @llvm.nvvm.cp.async.mbarrier.arrive(ptr)
)";

static std::unique_ptr<llvm::Module> parse(const std::string &text, llvm::LLVMContext &context) {
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(declarations + text, problem, context);
  if (!module)
    problem.print("k", llvm::errs());
  return module;
}

unsigned KernelText::countPlaces(Bug bug) const {
  llvm::LLVMContext context;
  return test::countPlaces(*parse(text, context), bug);
}

llvm::Expected<std::unique_ptr<EmulatedModule>> KernelText::compile(std::optional<std::pair<Bug, unsigned>> bug) const {
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module = parse(text, *context);
  if (!module)
    return llvm::createStringError("the kernel's text is wrong");
  if (bug)
    plantBug(*module, bug->first, bug->second);
  return compileModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context)), {"k"});
}

std::string KernelText::run(const EmulatedModule &module, std::vector<Words> &arrays, uint64_t seed) const {
  std::vector<Array> given;
  std::vector<int64_t> words;
  std::vector<int> numbers;
  for (Words &array : arrays) {
    // Vectors of 16 bytes are aligned as in a tensor.
    given.push_back({array.name,
                     array.values.data(),
                     4,
                     4,
                     {int64_t(array.values.size())},
                     {1},
                     array.writable,
                     array.initialized});
    numbers.push_back(static_cast<int>(numbers.size()));
    words.push_back(reinterpret_cast<int64_t>(array.values.data()));
  }
  Memory memory(module.getProgram(), given);
  memory.beginLaunch(threads, numbers);
  GridOptions grid;
  grid.blocks = blocks;
  grid.threads = threads;
  grid.residentBlocks = residentBlocks;
  grid.sharedBytes = dynamicSharedBytes;
  grid.seed = seed;
  grid.memory = &memory;
  llvm::Error error = module.run("k", words, grid);
  return error ? llvm::toString(std::move(error)) : "";
}

std::string KernelText::run(std::vector<Words> arrays, uint64_t seed) const {
  auto module = compile();
  return module ? run(**module, arrays, seed) : llvm::toString(module.takeError());
}
