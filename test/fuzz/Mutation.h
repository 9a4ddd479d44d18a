#ifndef SSM_TEST_FUZZ_MUTATION_H
#define SSM_TEST_FUZZ_MUTATION_H

#include "test/support/Random.h"

#include <string>
#include <vector>

namespace ssm::fuzz {

/// What a mutation may draw on besides the text itself.
struct MutationSources {
  /// Another text, to splice with.
  std::string other;
  /// Numbers, names and marks that mean something in the language of the text.
  const std::vector<std::string> &words;
  /// What opens and closes one level of nesting, e.g. "(" and ")".
  std::vector<std::pair<std::string, std::string>> brackets;
};

/// The text after one to four random changes: flipped bytes; tokens or lines deleted, doubled, swapped or taken from
/// `sources`; other numbers; a splice of two texts; deep nesting; a cut.
std::string mutate(std::string text, const MutationSources &sources, test::Random &random);

} // namespace ssm::fuzz

#endif
