#include "tools/ssmc/Library.h"
#include "runtime/Safetensors.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ssm;
using llvm::StringRef;
namespace path = llvm::sys::path;

std::vector<std::string> ssm::libraryNames(const std::string &folder) {
  std::vector<std::string> names;
  if (folder.empty()) {
    for (const LibraryModel *model = embeddedModels; model->name; ++model)
      names.push_back(model->name);
  } else {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end && !error; it.increment(error))
      if (path::extension(it->path()) == ".ssm")
        names.push_back(path::stem(it->path()).str());
  }
  llvm::sort(names);
  return names;
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> openFile(const std::string &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/true);
  if (!buffer)
    return llvm::createStringError("cannot read " + file + ": " + buffer.getError().message());
  return std::move(*buffer);
}

static llvm::Error noSuchModel(const std::string &model, const std::string &folder) {
  const std::vector<std::string> names = libraryNames(folder);
  std::string text = "there is no model " + printable(model) + " in the library";
  const std::string *nearest = nullptr;
  unsigned distance = 3;
  for (const std::string &name : names)
    if (unsigned d = StringRef(name).edit_distance(model, true, distance); d < distance) {
      distance = d;
      nearest = &name;
    }
  if (nearest)
    return llvm::createStringError(text + "; did you mean '" + *nearest + "'?");
  return llvm::createStringError(text + (names.empty() ? ", which is empty" : " (" + llvm::join(names, ", ") + ")") +
                                 "; a path ends in .ssm or .mlir");
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> ssm::openModel(const std::string &model,
                                                                   const std::string &folder) {
  const StringRef extension = path::extension(model);
  if (extension == ".ssm" || extension == ".mlir")
    return openFile(model);
  if (StringRef(model).contains('/'))
    return llvm::createStringError(printable(model) +
                                   " is neither a path that ends in .ssm or .mlir nor a name in the library");
  if (!folder.empty()) {
    llvm::SmallString<128> file(folder);
    path::append(file, model + ".ssm");
    if (llvm::sys::fs::exists(file))
      return openFile(file.str().str());
  } else {
    for (const LibraryModel *entry = embeddedModels; entry->name; ++entry)
      if (model == entry->name)
        return llvm::MemoryBuffer::getMemBuffer(entry->source, model + ".ssm");
  }
  return noSuchModel(model, folder);
}
