// Names in a manifest, and what follows from its entries.

#include "runtime/Manifest.h"

using namespace ssm;
using Role = Manifest::Role;
using Kind = Manifest::Argument::Kind;

std::string_view ssm::roleName(Role role) {
  switch (role) {
  case Role::Input:
    return "input";
  case Role::Output:
    return "output";
  case Role::InitialState:
    return "initial_state";
  case Role::FinalState:
    return "final_state";
  case Role::Rows:
    return "rows";
  }
  return "";
}

std::string_view ssm::kindName(Kind kind) {
  switch (kind) {
  case Kind::Tensor:
    return "tensor";
  case Kind::Buffer:
    return "buffer";
  case Kind::Absent:
    return "absent";
  case Kind::Parameter:
    return "parameter";
  case Kind::Size:
    return "size";
  case Kind::Tasks:
    return "tasks";
  }
  return "";
}

bool ssm::isForProcessor(const Manifest::Program &program) { return program.target.rfind("cpu:", 0) == 0; }

size_t ssm::wordsOf(const Manifest::Function &function, const Manifest::Program &program,
                    const Manifest::Argument &argument) {
  if (argument.kind == Kind::Tensor)
    return 1 + function.tensors[argument.index].rank();
  if (argument.kind == Kind::Buffer)
    return 1 + program.buffers[argument.index].rank();
  return argument.kind == Kind::Absent ? 1 + argument.index : 1;
}
