// Machine code that another program can load.

#include "codegen/bundle/SharedCode.h"
#include "lld/Common/Driver.h"
#include "runtime/CpuFeatures.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

LLD_HAS_DRIVER(elf)

static Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Expected<std::vector<std::string>> ssm::requireFeatures(CompileTarget &target) {
  StringRef processor = target.name;
  if (!processor.consume_front("cpu:") || processor == "host")
    return fail("the target '" + target.name + "' is this processor, whatever it is; a bundle's code is for one that " +
                "has a name, as cpu:x86-64-v3");
  llvm::SmallVector<StringRef> named;
  llvm::X86::getFeaturesForCPU(processor, named);
  llvm::StringMap<bool> enabled;
  for (StringRef feature : named) {
    enabled[feature] = true;
    llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, enabled);
  }
  // Every x86-64 processor has these.
  for (StringRef feature : {"64bit", "cmov", "cx8", "fxsr", "mmx", "sse", "sse2", "x87"})
    enabled.erase(feature);
  std::vector<std::string> required;
  for (std::string_view known : knownCpuFeatures())
    if (auto it = enabled.find(StringRef(known)); it != enabled.end()) {
      if (it->second)
        required.emplace_back(known);
      enabled.erase(it);
    }
  // What no program can look for.
  std::vector<StringRef> unknown;
  for (const auto &entry : enabled)
    if (entry.second)
      unknown.push_back(entry.first());
  llvm::sort(unknown);
  for (StringRef feature : unknown)
    target.features += (target.features.empty() ? "-" : ",-") + feature.str();
  return required;
}

/// Refuses calls of functions that not every program has.
static Error checkCalls(StringRef object, const CompileTarget &target) {
  Expected<std::unique_ptr<llvm::object::ObjectFile>> file =
      llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "kernels"));
  if (!file)
    return file.takeError();
  static constexpr StringRef allowed[] = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_", ""};
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !llvm::is_contained(allowed, *name))
      return fail("the code for " + target.name + " would call '" + *name +
                  "': what that does is an instruction from x86-64-v3 on");
  }
  return Error::success();
}

static Error runLinker(llvm::ArrayRef<const char *> arguments) {
  std::string output, errors;
  llvm::raw_string_ostream out(output), error(errors);
  lld::Result result = lld::lldMain(arguments, out, error, {{lld::Gnu, &lld::elf::link}});
  return result.retCode == 0 ? Error::success() : fail("LLD could not link the kernels: " + StringRef(errors).trim());
}

Expected<std::string> ssm::linkShared(StringRef object, const CompileTarget &target) {
  if (Error error = checkCalls(object, target))
    return std::move(error);
  llvm::SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("ssmc", folder))
    return fail("no folder for the linker's files: " + error.message());
  llvm::scope_exit remove([&] { llvm::sys::fs::remove_directories(folder); });
  const std::string from = (folder + "/kernels.o").str(), to = (folder + "/kernels.so").str();
  {
    std::error_code error;
    llvm::raw_fd_ostream file(from, error);
    file << object;
    file.close();
    if (error || file.has_error())
      return fail(from + ": " + (error ? error : file.error()).message());
  }
  const char *arguments[] = {"ld.lld",
                             "-shared",
                             "-s",
                             "--hash-style=gnu",
                             "--build-id=none",
                             "-z",
                             "now",
                             "-z",
                             "max-page-size=4096",
                             "--gc-sections",
                             "-Bsymbolic",
                             from.c_str(),
                             "-o",
                             to.c_str()};
  if (Error error = runLinker(arguments))
    return std::move(error);
  auto linked = llvm::MemoryBuffer::getFile(to);
  if (!linked)
    return fail(to + ": " + linked.getError().message());
  return (*linked)->getBuffer().str();
}
