// ssmc models: the library, or the text of one of its descriptions.

#include "codegen/binding/Binding.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/Library.h"
#include "tools/ssmc/Model.h"
#include "tools/ssmc/ModelOptions.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace ssm;

namespace {
struct ModelsCommand {
  std::string show;
  ModelOptions options;
};
} // namespace

static void printDims(RecurrenceOp recurrence) {
  llvm::outs() << "  dims    ";
  llvm::interleaveComma(recurrence.getDims().getAsRange<DimAttr>(), llvm::outs(), [](DimAttr dim) {
    llvm::outs() << dim.getName().getValue();
    if (dim.getSize())
      llvm::outs() << " = " << *dim.getSize();
    if (dim.getLike())
      llvm::outs() << " like " << dim.getLike().getValue();
  });
  llvm::outs() << "; scans " << recurrence.getScan() << (recurrence.getReverse() ? " in reverse" : "") << "\n";
}

static void printTensor(StringRef role, StringRef name, LayoutAttr layout, Type stored, bool optional) {
  llvm::outs() << llvm::left_justify(("  " + role).str(), 10) << name << " " << layoutText(layout);
  if (stored)
    llvm::outs() << " : " << stored;
  llvm::outs() << (optional ? "  optional\n" : "\n");
}

/// An option and its default as the language writes them; NaN stands for an expression of sizes and other options.
static void printOption(NamedAttribute option) {
  llvm::outs() << "  option  " << option.getName().getValue();
  auto number = dyn_cast<FloatAttr>(option.getValue());
  if (!number)
    llvm::outs() << " = " << option.getValue() << "\n";
  else if (number.getValue().isNaN())
    llvm::outs() << ", a number that depends on sizes\n";
  else
    llvm::outs() << llvm::format(" = %g\n", number.getValueAsDouble());
}

static void printRecurrence(RecurrenceOp recurrence) {
  llvm::outs() << recurrence.getSymName() << "\n";
  SmallVector<StringRef> lines;
  recurrence.getSummaryText().value_or("").split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    llvm::outs() << "  " << line << "\n";
  printDims(recurrence);
  Block &body = recurrence.getBody().front();
  for (auto input : body.getOps<InputOp>())
    printTensor("input", input.getName(), input.getLayout(), input.getStored().value_or(Type()), input.getOptional());
  for (const State &state : getStates(recurrence))
    printTensor("state", state.name, state.layout, state.stored, false);
  for (auto output : body.getOps<OutputOp>())
    printTensor("output", output.getName(), output.getLayout(), output.getStored().value_or(Type()), false);
  for (auto param : body.getOps<ParamOp>())
    llvm::outs() << "  param   " << param.getName() << " = " << param.getDefaultValue().convertToDouble() << "\n";
  if (DictionaryAttr options = recurrence.getOptionsAttr())
    for (NamedAttribute option : options)
      printOption(option);
}

static llvm::Expected<int> listModels(const ModelsCommand &command) {
  const std::string &folder = command.options.libraryFolder;
  if (!command.show.empty()) {
    auto source = openModel(command.show, folder);
    if (!source)
      return source.takeError();
    llvm::outs() << (*source)->getBuffer();
    return Succeeded;
  }
  Timing timing;
  bool first = true;
  for (const std::string &name : libraryNames(folder)) {
    auto model = Model::load(name, folder, "", timing);
    if (!model)
      return model.takeError();
    llvm::outs() << (first ? "" : "\n");
    first = false;
    printRecurrence(model->recurrence());
  }
  if (command.options.timing)
    timing.print();
  return Succeeded;
}

void ssm::addModelsCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<ModelsCommand>();
  CLI::App *sub = app.add_subcommand("models", "List the library of descriptions");
  sub->add_option("NAME", command->show, "A model whose description to print");
  command->options.declareSource(*sub);
  sub->callback([command, &action] { action = [command] { return listModels(*command); }; });
}
