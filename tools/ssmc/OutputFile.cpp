#include "tools/ssmc/OutputFile.h"
#include "runtime/AtomicFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm;

llvm::Error ssm::writeResult(const std::string &out, llvm::StringRef text) {
  if (out.empty() || out == "-") {
    llvm::outs() << text;
    llvm::outs().flush();
    return llvm::Error::success();
  }
  Result<AtomicFile> file = AtomicFile::create(out);
  if (!file)
    return llvm::createStringError(file.error());
  std::optional<Problem> problem = file->write(std::string_view(text.data(), text.size()));
  if (!problem)
    problem = file->commit();
  return problem ? llvm::createStringError(problem->message) : llvm::Error::success();
}
