#ifndef SSM_CODEGEN_BUNDLE_HEADER_H
#define SSM_CODEGEN_BUNDLE_HEADER_H

#include "runtime/Manifest.h"

namespace ssm {

/// A C header with a typed call for every function of a bundle, over runtime/ssm.h.
std::string makeHeader(const Manifest &manifest);

} // namespace ssm

#endif
