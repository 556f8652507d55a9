#include "vos/proof/history_hunt.h"

#include <sys/mman.h>

#include <algorithm>
#include <cctype>

#include "vos/proof/history_generator.h"
#include "vos/proof/isolation.h"
#include "vos/proof/shrink.h"

namespace daos::vos::proof {

namespace {

// Shared with the process that runs histories: which one it is at.
class SharedSeed {
 public:
  SharedSeed()
      : seed_(
            static_cast<volatile uint64_t*>(mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    DAOS_ASSERT(seed_ != MAP_FAILED);
  }
  ~SharedSeed() { munmap(const_cast<uint64_t*>(seed_), sizeof(uint64_t)); }
  void set(uint64_t seed) { *seed_ = seed; }
  uint64_t get() const { return *seed_; }

 private:
  volatile uint64_t* const seed_;
};

std::optional<std::string> describe(const std::optional<Failure>& failure,
                                    std::span<const Operation> history) {
  if (!failure) return {};
  return "step " + std::to_string(failure->index + 1) + " (" + toText(history[failure->index]) +
         "): " + failure->difference;
}

// What kind of failure it is: without the step and all that is a number or a name.
std::string kindOf(const std::string& words) {
  std::string kind;
  const size_t colon = words.find("): ");
  for (const char byte : words.substr(colon == std::string::npos ? 0 : colon)) {
    if (std::isdigit(static_cast<unsigned char>(byte)) == 0 && (byte < 'a' || byte > 'f'))
      kind += byte;
  }
  return kind;
}

std::string thresholdText(const HuntOptions& options) {
  if (options.dataThreshold == PoolOptions::kNeverToMedia) return {};
  return ", threshold " + std::to_string(options.dataThreshold);
}

std::string report(uint64_t seed, ArenaSource& source, const HuntOptions& options,
                   const std::string& words) {
  const auto fails = [&](std::span<const Operation> history) {
    const auto again = replay(history, source, options.dataThreshold, true);
    return again && kindOf(*again) == kindOf(words);
  };
  std::vector<Operation> history = makeHistory(seed, options.historyLength);
  std::string text = "seed " + std::to_string(seed) + ", length " +
                     std::to_string(options.historyLength) + thresholdText(options) + ": " + words +
                     "\n";
  if (!fails(history))
    return text + "It does not fail again: it depends on more than its history.\n";
  history = shrinkHistory(std::move(history), fails, options.shrinkTrialMax);
  text += "Shrunk to " + std::to_string(history.size()) + " operations: " +
          replay(history, source, options.dataThreshold, true).value_or("no failure") + "\n";
  return text + toText(history);
}

}  // namespace

std::optional<std::string> replay(std::span<const Operation> history, ArenaSource& source,
                                  uint64_t dataThreshold, bool isQuiet) {
  return runIsolated(
      [&] { return describe(runHistory(history, source, dataThreshold), history); },
      {30, isQuiet});
}

std::optional<std::string> huntFailures(ArenaSource& source, const HuntOptions& options) {
  SharedSeed at;
  const uint64_t historyCount =
      (options.operationCount + options.historyLength - 1) / options.historyLength;
  for (uint64_t done = 0; done < historyCount;) {
    const uint64_t count = std::min<uint64_t>(options.historiesPerProcess, historyCount - done);
    const auto words = runIsolated(
        [&]() -> std::optional<std::string> {
          for (uint64_t i = 0; i < count; ++i) {
            at.set(options.firstSeed + done + i);
            const std::vector<Operation> history = makeHistory(at.get(), options.historyLength);
            if (auto found =
                    describe(runHistory(history, source, options.dataThreshold), history)) {
              return found;
            }
          }
          return {};
        },
        {600, false});
    if (words) return report(at.get(), source, options, *words);
    done += count;
    if (options.onProgress) options.onProgress(done * options.historyLength);
  }
  return {};
}

}  // namespace daos::vos::proof
