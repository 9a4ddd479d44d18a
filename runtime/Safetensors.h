#ifndef SSM_RUNTIME_SAFETENSORS_H
#define SSM_RUNTIME_SAFETENSORS_H

#include "runtime/Tensor.h"

#include <map>
#include <string>

namespace ssm {

/// What a safetensors file holds (https://huggingface.co/docs/safetensors): arrays by name, and `__metadata__`.
struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Maps the file into memory; its arrays share the mapping, or are copies where they are not aligned. Writing to them
/// does not change the file. Everything that the header says is checked against the file: a broken one gives a problem
/// that names the file and what is wrong.
Result<Safetensors> readSafetensors(const std::string &path);

/// The same from `size` bytes in memory, which `owner` keeps alive. Problems do not name a file.
Result<Safetensors> parseSafetensors(std::shared_ptr<const void> owner, void *data, size_t size);

/// Writes the file, whole or not at all. Complex arrays are stored as pairs of reals along a last axis of 2, any
/// strides as row-major; the largest items come first, so that all are aligned. Gives the problem, if there is one.
std::optional<Problem> writeSafetensors(const std::string &path, const Safetensors &content);

/// A name from a file as it may be printed: in quotes, what is not printable escaped, long ones cut.
std::string printable(std::string_view name);

} // namespace ssm

#endif
