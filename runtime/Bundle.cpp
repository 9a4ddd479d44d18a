// A manifest and the code that it speaks of.

#include "runtime/Bundle.h"
#include "runtime/Safetensors.h"

using namespace ssm;

static constexpr const char *manifestName = "manifest.json";

Result<Bundle> ssm::makeBundle(ArchiveFiles files) {
  auto text = files.find(manifestName);
  if (text == files.end())
    return Problem{"it is no bundle: there is no manifest.json in it"};
  Result<Manifest> manifest = parseManifest(text->second);
  if (!manifest)
    return manifest.problem();
  Bundle bundle{std::move(*manifest), {}};
  for (const Manifest::File &file : bundle.manifest.files) {
    auto content = files.find(file.name);
    if (content == files.end())
      return Problem{"the file " + printable(file.name) + " is missing"};
    if (content->second.size() != file.bytes || crc32(content->second) != file.crc32)
      return Problem{"the file " + printable(file.name) + " is not the one that the manifest was written for"};
    bundle.files.emplace(file.name, std::move(content->second));
  }
  return bundle;
}

Result<Bundle> ssm::openBundle(const std::string &path) {
  Result<ArchiveFiles> files = readArchive(path);
  if (!files)
    return files.problem();
  Result<Bundle> bundle = makeBundle(std::move(*files));
  if (!bundle)
    return Problem{path + ": " + bundle.error()};
  return bundle;
}

ArchiveFiles ssm::bundleFiles(Manifest manifest, const ArchiveFiles &code) {
  manifest.files.clear();
  for (const auto &[name, content] : code)
    manifest.files.push_back({name, content.size(), crc32(content)});
  ArchiveFiles files = code;
  files[manifestName] = printManifest(manifest);
  return files;
}
