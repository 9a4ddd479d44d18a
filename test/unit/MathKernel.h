#ifndef SSM_TEST_UNIT_MATHKERNEL_H
#define SSM_TEST_UNIT_MATHKERNEL_H

#include "dialect/Ssm.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <cfloat>

namespace ssm::test {

using namespace mlir;

template <typename T> using Function = void (*)(const T *x, const T *y, T *result, int64_t count);

/// The compiled form of `%r = op %x(, %y)` on vectors of 16. Beside a negative stands the same operation on -%x, whose
/// result is not used; beside a positive it is the result, and that of %x is not used.
class MathKernel {
public:
  enum class Beside { Nothing, Negative, Positive };

  MathKernel(llvm::StringRef op, bool isBinary, llvm::StringRef element, llvm::StringRef target = "cpu",
             Beside beside = Beside::Nothing) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    DialectRegistry registry;
    registry.insert<ssm::SsmDialect, arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, NVVM::NVVMDialect,
                    math::MathDialect, scf::SCFDialect, vector::VectorDialect>();
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(text(op, isBinary, element, beside), &context);
    PassManager first(&context), second(&context);
    ssm::ExpandMathOptions options;
    options.target = target.str();
    first.addPass(ssm::createExpandMath(options));
    addLowering(second);
    if (!module || failed(first.run(*module)))
      return;
    replaceSpecialFunctions();
    if (failed(second.run(*module)))
      return;
    link();
  }

  /// Null where compilation failed; the diagnostics have been printed.
  template <typename T> Function<T> get() const { return reinterpret_cast<Function<T>>(address); }

private:
  static std::string text(llvm::StringRef op, bool isBinary, llvm::StringRef element, Beside beside) {
    std::string vector = ("vector<16x" + element + ">").str();
    std::string load = " {alignment = 4 : i64} : !llvm.ptr -> " + vector + "\n";
    std::string operand = beside == Beside::Positive ? "%negative" : "%vx";
    std::string other = beside == Beside::Positive ? "%vx" : "%negative";
    std::string before = beside == Beside::Nothing ? ""
                                                   : "%negative = arith.negf %vx : " + vector +
                                                         "\n%other = " + op.str() + " " + other + " : " + vector + "\n";
    std::string address = ("%i] : (!llvm.ptr, i64) -> !llvm.ptr, " + element + "\n").str();
    return "func.func @kernel(%x: !llvm.ptr, %y: !llvm.ptr, %r: !llvm.ptr, %n: i64) {\n"
           "%zero = arith.constant 0 : i64\n%step = arith.constant 16 : i64\n"
           "scf.for %i = %zero to %n step %step : i64 {\n"
           "%px = llvm.getelementptr %x[" +
           address + "%py = llvm.getelementptr %y[" + address + "%pr = llvm.getelementptr %r[" + address +
           "%vx = llvm.load %px" + load + "%vy = llvm.load %py" + load + before + "%v = " + op.str() + " " + operand +
           (isBinary ? ", %vy" : "") + " : " + vector + "\nllvm.store %v, %pr {alignment = 4 : i64} : " + vector +
           ", !llvm.ptr\n}\nreturn\n}";
  }

  static void addLowering(PassManager &passes) {
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addPass(createConvertVectorToLLVMPass());
    passes.addPass(createConvertMathToLLVMPass());
    passes.addPass(createSCFToControlFlowPass());
    passes.addPass(createArithToLLVMConversionPass());
    passes.addPass(createConvertFuncToLLVMPass());
    passes.addPass(createConvertControlFlowToLLVMPass());
    passes.addPass(createUBToLLVMConversionPass());
    passes.addPass(createReconcileUnrealizedCastsPass());
  }

  /// Puts exact functions in place of a GPU's, with their flush of subnormal results.
  void replaceSpecialFunctions() {
    module->walk([&](Operation *op) {
      OpBuilder builder(op);
      Location loc = op->getLoc();
      auto constant = [&](double value) -> Value {
        return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
      };
      Value result;
      if (auto call = dyn_cast<LLVM::CallIntrinsicOp>(op); call && call.getIntrin().starts_with("llvm.nvvm.")) {
        Value x = call.getArgs()[0];
        if (call.getIntrin() == "llvm.nvvm.ex2.approx.ftz")
          result = LLVM::Exp2Op::create(builder, loc, x);
        else
          result = arith::DivFOp::create(builder, loc, constant(1), math::SqrtOp::create(builder, loc, x));
      } else if (isa<NVVM::RcpApproxFtzF32Op>(op)) {
        result = arith::DivFOp::create(builder, loc, constant(1), op->getOperand(0));
      } else {
        return;
      }
      Value size = math::AbsFOp::create(builder, loc, result);
      Value tiny = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, size, constant(FLT_MIN));
      op->getResult(0).replaceAllUsesWith(arith::SelectOp::create(builder, loc, tiny, constant(0), result).getResult());
      op->erase();
    });
  }

  void link() {
    auto llvmContext = std::make_unique<llvm::LLVMContext>();
    std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(*module, *llvmContext);
    auto host = llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost());
    auto machine = llvm::cantFail(host.createTargetMachine());
    code->setDataLayout(machine->createDataLayout());
    code->setTargetTriple(machine->getTargetTriple());
    optimize(*code, *machine);
    jit = llvm::cantFail(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(host).create());
    llvm::cantFail(jit->addIRModule({std::move(code), std::move(llvmContext)}));
    address = llvm::cantFail(jit->lookup("kernel")).toPtr<void *>();
  }

  static void optimize(llvm::Module &code, llvm::TargetMachine &machine) {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    llvm::PassBuilder builder(&machine);
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(code, modules);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void *address = nullptr;
};

} // namespace ssm::test

#endif
