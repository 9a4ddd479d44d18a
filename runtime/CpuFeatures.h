#ifndef SSM_RUNTIME_CPUFEATURES_H
#define SSM_RUNTIME_CPUFEATURES_H

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ssm {

/// Names of the instruction sets that code for x86-64 processors may need beyond the first ones' and that a program can
/// look for, as LLVM calls them.
const std::vector<std::string_view> &knownCpuFeatures();

/// Those that this processor has and the operating system lets programs use; none where it is no x86-64.
std::set<std::string, std::less<>> hostCpuFeatures();

} // namespace ssm

#endif
