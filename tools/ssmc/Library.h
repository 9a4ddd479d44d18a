#ifndef SSM_TOOLS_SSMC_LIBRARY_H
#define SSM_TOOLS_SSMC_LIBRARY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace ssm {

struct LibraryModel {
  const char *name;
  const char *source;
};

/// The library as it was when the program was built (models/*.ssm), ended by an entry of nulls.
extern const LibraryModel embeddedModels[];

/// Names of the library's models, sorted: those of the files *.ssm in `folder`, or the embedded ones where it is empty.
std::vector<std::string> libraryNames(const std::string &folder);

/// The description that MODEL names: a path that ends in .ssm or .mlir, else a name in the library. Errors: a file that
/// cannot be read; a name that the library does not have (suggesting the nearest).
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> openModel(const std::string &model, const std::string &folder);

} // namespace ssm

#endif
