// What of the lowered module is not seen in its text: places in the source, and whole files that must parse.

#include "dialect/Ssm.h"
#include "frontend/Frontend.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <gtest/gtest.h>

namespace {
/// The module of a text; errors become failures.
mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text, llvm::StringRef name, mlir::MLIRContext &context) {
  llvm::SourceMgr sourceMgr;
  sourceMgr.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), {});
  sourceMgr.setDiagHandler([](const llvm::SMDiagnostic &diagnostic, void *) {
    ADD_FAILURE() << diagnostic.getFilename().str() << ":" << diagnostic.getLineNo() << ": "
                  << diagnostic.getMessage().str() << "\n"
                  << diagnostic.getLineContents().str();
  });
  return ssm::parseSource(sourceMgr, &context);
}

std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(buffer)) << path.str();
  return buffer ? (*buffer)->getBuffer().str() : "";
}
} // namespace

TEST(FrontendLowering, OperationsCarryTheirPlaceInTheSource) {
  mlir::MLIRContext context;
  auto module = parse("recurrence r {\n  scan time\n  input u [time]\n  output y [time] = 2 +\n    exp(u)\n}\n",
                      "place.ssm", context);
  ASSERT_TRUE(module);
  unsigned found = 0;
  module->walk([&](mlir::Operation *op) {
    llvm::StringRef name = op->getName().getStringRef();
    auto loc = llvm::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
    ASSERT_TRUE(loc) << name.str();
    EXPECT_EQ(loc.getFilename().getValue(), "place.ssm");
    std::pair<unsigned, unsigned> place(loc.getLine(), loc.getColumn());
    if (name == "math.exp") {
      EXPECT_EQ(place, std::make_pair(5u, 5u));
      ++found;
    } else if (name == "arith.addf") {
      EXPECT_EQ(place, std::make_pair(4u, 23u));
      ++found;
    } else if (name == "ssm.input") {
      EXPECT_EQ(place, std::make_pair(3u, 9u));
      ++found;
    }
  });
  EXPECT_EQ(found, 3u);
}

TEST(FrontendLowering, KeepsTheOrderOfRecurrences) {
  mlir::MLIRContext context;
  auto module = parse("recurrence b { scan t input u [t] output y [t] = u }\n"
                      "recurrence a { scan t input u [t] output y [t] = u }\n",
                      "two.ssm", context);
  ASSERT_TRUE(module);
  std::vector<std::string> names;
  for (auto recurrence : module->getOps<ssm::RecurrenceOp>())
    names.push_back(recurrence.getSymName().str());
  EXPECT_EQ(names, (std::vector<std::string>{"b", "a"}));
}

TEST(FrontendLowering, EveryModelOfTheLibraryParses) {
  std::error_code error;
  unsigned count = 0;
  for (llvm::sys::fs::directory_iterator it(SSM_SOURCE_DIR "/models", error), end; it != end && !error;
       it.increment(error)) {
    if (llvm::sys::path::extension(it->path()) != ".ssm")
      continue;
    mlir::MLIRContext context;
    auto module = parse(readFile(it->path()), it->path(), context);
    ASSERT_TRUE(module) << it->path();
    auto recurrences = module->getOps<ssm::RecurrenceOp>();
    ASSERT_FALSE(recurrences.empty());
    ssm::RecurrenceOp recurrence = *recurrences.begin();
    EXPECT_EQ(recurrence.getSymName(), llvm::sys::path::stem(it->path())) << "a model is named as its file";
    EXPECT_TRUE(recurrence.getSummaryText().value_or("").contains("https://")) << it->path() << " cites no paper";
    ++count;
  }
  EXPECT_FALSE(error) << error.message();
  EXPECT_GE(count, 11u);
}

TEST(FrontendLowering, SummedDimensionsOfTheLibraryHaveADefaultSize) {
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(SSM_SOURCE_DIR "/models", error), end; it != end && !error;
       it.increment(error)) {
    if (llvm::sys::path::extension(it->path()) != ".ssm")
      continue;
    mlir::MLIRContext context;
    auto module = parse(readFile(it->path()), it->path(), context);
    ASSERT_TRUE(module);
    module->walk([&](ssm::SumOp sum) {
      auto recurrence = sum->getParentOfType<ssm::RecurrenceOp>();
      for (auto name : sum.getOver().getAsRange<mlir::StringAttr>())
        EXPECT_TRUE(recurrence.sizeOf(name).has_value()) << it->path() << ": " << name.str();
    });
  }
}

TEST(FrontendLowering, EveryExampleOfTheReferenceParses) {
  const std::string text = readFile(SSM_SOURCE_DIR "/docs/language.md");
  llvm::StringRef rest = text;
  unsigned count = 0;
  while (true) {
    size_t begin = rest.find("```ssm\n");
    if (begin == llvm::StringRef::npos)
      break;
    rest = rest.drop_front(begin + 7);
    size_t end = rest.find("```");
    ASSERT_NE(end, llvm::StringRef::npos);
    mlir::MLIRContext context;
    EXPECT_TRUE(parse(rest.take_front(end), "language.md example " + std::to_string(++count), context));
    rest = rest.drop_front(end + 3);
  }
  EXPECT_GE(count, 12u);
}
