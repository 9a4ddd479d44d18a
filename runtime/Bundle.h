#ifndef SSM_RUNTIME_BUNDLE_H
#define SSM_RUNTIME_BUNDLE_H

#include "runtime/Archive.h"
#include "runtime/Manifest.h"

namespace ssm {

/// A bundle in memory.
struct Bundle {
  Manifest manifest;
  /// Code, by the names that the manifest has for it.
  ArchiveFiles files;
};

/// Makes a bundle of its files, one of which is manifest.json. Problems: a manifest that is malformed or of a newer
/// major version; files that are missing or not those that it was written for.
Result<Bundle> makeBundle(ArchiveFiles files);

/// Opens a bundle: a file, or a folder that one was unpacked into. Problems name the path.
Result<Bundle> openBundle(const std::string &path);

/// The files of a bundle, with a manifest that has their sizes and checksums.
ArchiveFiles bundleFiles(Manifest manifest, const ArchiveFiles &code);

} // namespace ssm

#endif
