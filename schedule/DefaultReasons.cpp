// Why the default schedule for a GPU is what it is, in words.

#include "schedule/DefaultReasons.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace ssm;
using llvm::Twine;

static std::string aboutThreads(const GpuReasons &why) {
  std::string dims = "[" + llvm::join(why.parallelDims, ", ") + "]";
  if (!why.cores)
    return "how many multiprocessors there are is not known: a thread for each of " + dims;
  std::string wanted = (Twine(why.wanted) + " threads fill the machine (" + Twine(why.warps) + " warps on each of " +
                        Twine(why.cores) + " multiprocessors)")
                           .str();
  if (!why.parallel)
    return wanted + "; sizes of " + dims + " are open, and taken to be enough";
  return wanted + "; " + dims + (*why.parallel >= why.wanted ? " has " : " has only ") + std::to_string(*why.parallel) +
         " coordinates";
}

static std::string aboutTile(const GpuReasons &why) {
  std::string text = "a tile of";
  for (auto [number, side] : llvm::enumerate(why.tile))
    text += (number ? " x " : " ") + std::to_string(side.second) + " " + side.first;
  text += " a thread, which keeps " + std::to_string(why.kept) + " values";
  text += ": what it reads of one serves all of the other";
  return why.threads ? text + "; " + std::to_string(*why.threads) + " threads" : text;
}

static std::string aboutLanes(const GpuReasons &why) {
  std::string kept = std::to_string(why.keptAlone), most = std::to_string(why.keptMost);
  if (why.onLoops)
    return "sums on loops, states in local memory: a thread would keep " + kept +
           " values, and lanes do not bring these near " + most;
  if (why.shared.empty())
    return "no lanes over what is summed: a thread keeps " + kept + " values, of at most " + most +
           (why.parallel && *why.parallel < why.wanted ? ", and there is no summed dimension that lanes could share"
                                                       : ", and there are threads enough");
  int64_t sharers = 1;
  std::string text;
  for (const GpuReasons::SharedDim &shared : why.shared) {
    text += (text.empty() ? "" : ", ") + shared.dim + " over " + std::to_string(shared.count) + " " + shared.level;
    sharers *= shared.count;
  }
  if (why.keptAlone > why.keptMost)
    text +=
        ": a thread would keep " + kept + " values and keeps " + std::to_string(why.kept) + " (at most " + most + ")";
  if (why.parallel && *why.parallel < why.wanted)
    text += (why.keptAlone > why.keptMost ? "; " : ": ") + std::to_string(*why.parallel * sharers) + " threads";
  return text;
}

static std::string aboutChunks(const GpuReasons &why) {
  std::optional<int64_t> threads = why.threads ? why.threads : why.parallel;
  if (threads && !why.threads)
    for (const GpuReasons::SharedDim &shared : why.shared)
      *threads *= shared.count;
  if (why.chunkSteps)
    return why.scanned + " in chunks of " + std::to_string(*why.chunkSteps) +
           " steps over the grid: twice the work, for " +
           std::to_string(llvm::divideCeil(*why.steps, *why.chunkSteps)) + " times as many threads";
  std::string text = why.scanned + " is not cut into chunks: ";
  if (!threads || *threads >= why.wanted)
    return text + (threads ? "there are threads enough" : "sizes are open");
  if (!why.steps)
    return text + "its size is open";
  return text + "that pays with " + std::to_string(why.fewestChunks) + " chunks of " +
         std::to_string(why.fewestChunkSteps) + " steps, if so many are wanted";
}

std::vector<std::string> ssm::reasonTexts(const GpuReasons &reasons) {
  std::vector<std::string> texts{aboutThreads(reasons), reasons.tile.empty() ? aboutLanes(reasons) : aboutTile(reasons),
                                 aboutChunks(reasons)};
  if (!reasons.twoOf.empty())
    texts.push_back("two coordinates of " + reasons.twoOf +
                    " a thread: what they have in common is read once for both, and " +
                    "half as many warps are enough");
  if (reasons.ahead)
    texts.push_back("what the next steps read is loaded ahead: of a thread's registers " +
                    std::to_string(*reasons.ahead) + " are enough for that, and left");
  return texts;
}
