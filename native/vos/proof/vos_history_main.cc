// vos_history: random histories against the reference model, for as long as wanted; or one that is
// given.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <unistd.h>

#include "vos/proof/history_generator.h"
#include "vos/proof/history_hunt.h"
#include "vos/proof/planted_hunt.h"
#include "vos/proof/power_cut.h"

namespace {

using namespace daos;
using namespace daos::vos::proof;

constexpr char kUsage[] =
    "Usage: vos_history [--seed N] [--operations N | --forever] [--length N] [--arena "
    "memory|pmem]\n"
    "                   [--threshold BYTES] [--history FILE | --print | --power-cuts | --planted]\n"
    "  --seed        first seed (1); each history has the next one\n"
    "  --operations  how many operations in all (1000000)\n"
    "  --length      operations of one history (500)\n"
    "  --arena       what the pool lives in: memory, or a libpmemobj file in /dev/shm (memory)\n"
    "  --threshold   values from this size on lie on media (all are in the arena)\n"
    "  --history     carry out the history in FILE instead\n"
    "  --print       print the history of the seed instead\n"
    "  --power-cuts  cut the power of a whole store instead, from the seed on until it fails\n"
    "  --planted     plant one fault after the other instead, each of which must be found\n";

struct Arguments {
  HuntOptions hunt;
  bool isForever = false;
  bool isPrint = false;
  bool isPowerCuts = false;
  bool isPlanted = false;
  std::string arena = "memory";
  std::string history;
};

bool parse(int count, char** words, Arguments* arguments) {
  arguments->hunt.operationCount = 1000000;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--forever") {
      arguments->isForever = true;
    } else if (word == "--print") {
      arguments->isPrint = true;
    } else if (word == "--power-cuts") {
      arguments->isPowerCuts = true;
    } else if (word == "--planted") {
      arguments->isPlanted = true;
    } else if (i + 1 == count) {
      return false;
    } else if (word == "--seed") {
      arguments->hunt.firstSeed = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--operations") {
      arguments->hunt.operationCount = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--length") {
      arguments->hunt.historyLength = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--arena") {
      arguments->arena = words[++i];
    } else if (word == "--threshold") {
      arguments->hunt.dataThreshold = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--history") {
      arguments->history = words[++i];
    } else {
      return false;
    }
  }
  return arguments->hunt.historyLength != 0;
}

std::unique_ptr<ArenaSource> makeSource(const std::string& arena) {
  if (arena == "memory") return memorySource(256ull << 20);
  const std::string path = "/dev/shm/vos_history." + std::to_string(getpid());
  if (arena == "pmem") return pmemSource(path, 256ull << 20);
  return nullptr;
}

int replayFile(const std::string& path, ArenaSource& source, uint64_t dataThreshold) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto history = parseHistory(text);
  if (!file || !history.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(),
                 history.ok() ? "cannot be read" : history.error().describe().c_str());
    return 2;
  }
  const auto words = replay(*history, source, dataThreshold, false);
  std::printf("%s\n", words.value_or("store and model agree").c_str());
  return words ? 1 : 0;
}

int hunt(Arguments& arguments, ArenaSource& source) {
  do {
    if (const auto words = huntFailures(source, arguments.hunt)) {
      std::printf("%s", words->c_str());
      return 1;
    }
    std::printf("%llu operations, from seed %llu on: store and model agree\n",
                static_cast<unsigned long long>(arguments.hunt.operationCount),
                static_cast<unsigned long long>(arguments.hunt.firstSeed));
    std::fflush(stdout);
    arguments.hunt.firstSeed += (arguments.hunt.operationCount + arguments.hunt.historyLength - 1) /
                                arguments.hunt.historyLength;
  } while (arguments.isForever);
  return 0;
}

int cutPower(uint64_t seed) {
  constexpr size_t kLifeCount = 20;
  for (uint64_t cuts = 0;; ++seed) {
    PowerCutSession session(seed);
    if (const Difference difference = session.run(kLifeCount)) {
      std::printf("%s\n", difference->c_str());
      return 1;
    }
    cuts += session.counts().cuts;
    std::printf("seed %llu, %llu power cuts: store and model agree\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(cuts));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  const bool isValid = parse(count, words, &arguments);
  const auto source = isValid ? makeSource(arguments.arena) : nullptr;
  if (!source) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (arguments.isPlanted) return findPlantedFaults(*source, arguments.hunt.firstSeed) ? 0 : 1;
  if (arguments.isPowerCuts) return cutPower(arguments.hunt.firstSeed);
  if (arguments.isPrint) {
    const auto history = makeHistory(arguments.hunt.firstSeed, arguments.hunt.historyLength);
    std::fputs(toText(history).c_str(), stdout);
    return 0;
  }
  return arguments.history.empty()
             ? hunt(arguments, *source)
             : replayFile(arguments.history, *source, arguments.hunt.dataThreshold);
}
