#ifndef SSM_RUNTIME_ARCHIVE_H
#define SSM_RUNTIME_ARCHIVE_H

#include "runtime/Result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ssm {

/// The files of a bundle, by name.
using ArchiveFiles = std::map<std::string, std::string>;

/// The checksum of zip files (CRC-32, polynomial 0x04C11DB7).
uint32_t crc32(std::string_view bytes);

/// A zip file with the files in order of their names, stored as they are. The same files give the same bytes.
std::string packArchive(const ArchiveFiles &files);

/// The files of what packArchive made. Every byte counts: whatever differs from what it would have made of the same
/// files is refused, so that a damaged bundle is never half understood.
Result<ArchiveFiles> unpackArchive(std::string_view bytes);

/// Reads an archive, or a folder with the same files in it.
Result<ArchiveFiles> readArchive(const std::string &path);

} // namespace ssm

#endif
