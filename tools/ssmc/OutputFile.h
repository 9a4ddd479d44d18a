#ifndef SSM_TOOLS_SSMC_OUTPUTFILE_H
#define SSM_TOOLS_SSMC_OUTPUTFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// Writes a result to the file asked for, whole or not at all, or to standard output where that is empty or `-`.
llvm::Error writeResult(const std::string &out, llvm::StringRef text);

} // namespace ssm

#endif
