// simulate: runs cases of the simulator and says what they violate. docs/simulator.md.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/planted.h"
#include "simulator/catalogue.h"
#include "simulator/minimise.h"

namespace daos::simulator {
namespace {

constexpr const char* kUsage =
    "simulate [--seed N | --seeds A..B | --forever] [--workload W] [--faults F] [--seconds S]\n"
    "         [--world system|rpc] [--set NAME=VALUE]... [--without I,J,...] [--regressions]\n"
    "         [--minimise] [--trace] [--keep-going] [--expect-violation] [--directory D]\n"
    "         [--plant BUG]    in a build with DAOS_PLANT; --list-bugs names them\n";

struct Options {
  CaseName name;
  uint64_t seedFirst = 1;
  uint64_t seedLast = 1;
  std::string directory = "native/simulator";
  std::vector<std::pair<std::string, std::string>> settings;
  std::set<uint32_t> without;
  bool runsRegressions = false;
  bool minimises = false;
  bool traces = false;
  bool keepsGoing = false;
  bool expectsViolation = false;
  bool isForever = false;
};

Result<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  if (text.empty() || text.size() > 18) return invalid("'" + std::string(text) + "' is no number");
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return invalid("'" + std::string(text) + "' is no number");
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  return value;
}

Status parseSeeds(std::string_view text, Options& options) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) return invalid("--seeds wants A..B");
  DAOS_TRY(options.seedFirst, number(text.substr(0, dots)));
  DAOS_TRY(options.seedLast, number(text.substr(dots + 2)));
  return {};
}

Status parseWithout(std::string_view text, Options& options) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    DAOS_TRY(const uint64_t index, number(text.substr(0, comma)));
    options.without.insert(static_cast<uint32_t>(index));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

bool parseSwitch(std::string_view word, Options& options) {
  struct Switch {
    std::string_view word;
    bool Options::*field;
  };
  static constexpr Switch kSwitches[] = {{"--regressions", &Options::runsRegressions},
                                         {"--forever", &Options::isForever},
                                         {"--minimise", &Options::minimises},
                                         {"--trace", &Options::traces},
                                         {"--keep-going", &Options::keepsGoing},
                                         {"--expect-violation", &Options::expectsViolation}};
  for (const Switch& each : kSwitches) {
    if (each.word != word) continue;
    options.*each.field = true;
    return true;
  }
  return false;
}

constexpr std::pair<std::string_view, Planted> kBugs[] = {
    {"acknowledge-before-flush", Planted::kAcknowledgeBeforeFlush},
    {"skip-checksum", Planted::kSkipChecksum},
    {"apply-retry-twice", Planted::kApplyRetryTwice},
    {"return-uncommitted", Planted::kReturnUncommitted},
    {"lose-hole", Planted::kLoseHole},
    {"forget-read-timestamp", Planted::kForgetReadTimestamp},
    {"store-damaged", Planted::kStoreDamaged},
    {"aggregate-over-snapshots", Planted::kAggregateOverSnapshots}};

Status plant([[maybe_unused]] std::string_view name) {
#ifdef DAOS_PLANT
  for (const auto& [bugName, bug] : kBugs) {
    if (bugName == name) planted = bug;
  }
  if (planted != Planted::kNone) return {};
  return invalid("no bug '" + std::string(name) + "'");
#else
  return Error(ErrorCode::kNosys,
               "this build has no bugs to plant: configure with -DDAOS_PLANT=ON");
#endif
}

Status parseValue(std::string_view word, std::string value, Options& options) {
  if (word == "--workload") {
    options.name.workload = value;
  } else if (word == "--faults") {
    options.name.faults = value;
  } else if (word == "--world") {
    options.name.world = value;
  } else if (word == "--directory") {
    options.directory = value;
  } else if (word == "--plant") {
    return plant(value);
  } else if (word == "--seed") {
    DAOS_TRY(options.seedFirst, number(value));
    options.seedLast = options.seedFirst;
  } else if (word == "--seeds") {
    return parseSeeds(value, options);
  } else if (word == "--seconds") {
    DAOS_TRY(options.name.seconds, number(value));
  } else if (word == "--without") {
    return parseWithout(value, options);
  } else if (word == "--set" && value.find('=') != std::string::npos) {
    const size_t equals = value.find('=');
    options.settings.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  } else {
    return invalid("what is '" + std::string(word) + "'?");
  }
  return {};
}

// From a given seed on, or from one that no other night began with.
void runForever(Options& options) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  if (options.seedFirst == Options().seedFirst)
    options.seedFirst = static_cast<uint64_t>(seconds) * 1000;
  options.seedLast = ~uint64_t{0} - 1;
}

Result<Options> parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    if (parseSwitch(words[i], options)) continue;
    if (i + 1 == count) return invalid("what is '" + std::string(words[i]) + "'?");
    DAOS_CHECK(parseValue(words[i], words[i + 1], options));
    ++i;
  }
  if (!findRun(options.name.world)) return invalid("no world '" + options.name.world + "'");
  if (options.isForever) runForever(options);
  return options;
}

// A setting of the workload or of the faults, whichever has that name.
Status applyOverrides(const Options& options, CaseArguments& arguments) {
  for (const auto& [name, value] : options.settings) {
    if (applySetting(arguments.faults, faultSettings(), name, value).ok()) continue;
    DAOS_CHECK(applySetting(arguments.workload, workloadSettings(), name, value));
  }
  arguments.withoutFaults = options.without;
  return {};
}

void printFaults(const CaseArguments& arguments, const CaseResult& result) {
  for (const FaultEvent& event : result.plan) {
    if (!arguments.withoutFaults.contains(event.index))
      std::printf("  %s\n", describe(event).c_str());
  }
}

void printViolation(const CaseName& name, const CaseArguments& arguments,
                    const CaseResult& result) {
  std::printf("VIOLATION of %s\n  %s\n  case: %s  trace %016llx\n", result.violation->check.c_str(),
              result.violation->explanation.c_str(), name.describe().c_str(),
              static_cast<unsigned long long>(result.traceHash));
  std::printf("faults:\n");
  printFaults(arguments, result);
  std::printf("operations on what it is about:\n%s", result.timeline.c_str());
}

void printSmallest(const CaseArguments& smallest, const Catalogue& catalogue,
                   const CaseName& name) {
  std::string line = "simulate --seed " + std::to_string(name.seed) + " --world " + name.world +
                     " --workload " + name.workload + " --faults " + name.faults + " --seconds " +
                     std::to_string(name.seconds);
  const auto addSettings = [&](const std::string& text) {
    std::string setting;
    for (const char each : text) {
      if (each == '\n') {
        line += " --set " + setting;
        setting.clear();
      } else if (each != ' ') {
        setting += each;
      }
    }
  };
  addSettings(formatSettings(smallest.workload, catalogue.workloads().at(name.workload),
                             workloadSettings()));
  addSettings(formatSettings(smallest.faults, catalogue.faults().at(name.faults), faultSettings()));
  std::string without;
  for (const uint32_t index : smallest.withoutFaults)
    without += (without.empty() ? "" : ",") + std::to_string(index);
  if (!without.empty()) line += " --without " + without;
  std::printf("smallest case found:\n  %s\n", line.c_str());
}

struct Totals {
  uint64_t caseCount = 0;
  uint64_t violationCount = 0;
  uint64_t virtualNs = 0;
  uint64_t hash = 0;
  std::map<std::string, uint64_t> counts;
};

Status runOne(const Options& options, const Catalogue& catalogue, CaseName name, Totals& totals) {
  DAOS_TRY(CaseArguments arguments, catalogue.resolve(name));
  DAOS_CHECK(applyOverrides(options, arguments));
  arguments.isRecording = options.traces;
  const RunCase run = findRun(name.world);
  const CaseResult result = run(arguments);
  ++totals.caseCount;
  ++totals.counts["cases: faults " + name.faults];
  ++totals.counts["cases: workload " + name.workload];
  totals.virtualNs += result.virtualNs;
  totals.hash = totals.hash * 31 + result.traceHash;
  for (const auto& [what, count] : result.counts) totals.counts[what] += count;
  if (options.traces) std::printf("%s", result.trace.c_str());
  if (!result.violation) return {};
  ++totals.violationCount;
  printViolation(name, arguments, result);
  if (options.minimises) {
    MinimiseOptions how;
    how.onProgress = [](const std::string& step) { std::fprintf(stderr, "  %s\n", step.c_str()); };
    const CaseArguments smallest = minimise(arguments, result.violation->check, run, how);
    printSmallest(smallest, catalogue, name);
    printViolation(name, smallest, run(smallest));
  }
  std::fflush(stdout);
  return {};
}

void printTotals(const Totals& totals, double seconds) {
  std::printf("%llu cases, %llu violations, %.1f s of virtual time in %.1f s, hash %016llx\n",
              static_cast<unsigned long long>(totals.caseCount),
              static_cast<unsigned long long>(totals.violationCount),
              static_cast<double>(totals.virtualNs) / 1e9, seconds,
              static_cast<unsigned long long>(totals.hash));
  for (const auto& [what, count] : totals.counts) {
    std::printf("  %-32s %llu\n", what.c_str(), static_cast<unsigned long long>(count));
  }
}

Status runAll(const Options& options, Totals& totals) {
  DAOS_TRY(const Catalogue catalogue, Catalogue::read(options.directory));
  if (options.runsRegressions) {
    DAOS_TRY(const std::vector<CaseName> names, catalogue.regressions());
    for (const CaseName& name : names) DAOS_CHECK(runOne(options, catalogue, name, totals));
    if (options.seedLast == options.seedFirst) return {};
  }
  for (uint64_t seed = options.seedFirst; seed <= options.seedLast; ++seed) {
    CaseName name = options.name;
    name.seed = seed;
    DAOS_CHECK(runOne(options, catalogue, name, totals));
    if (totals.violationCount > 0 && !options.keepsGoing) break;
    if (options.isForever && totals.caseCount % 1000 == 0) {
      std::printf("seed %llu, %llu cases\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(totals.caseCount));
      std::fflush(stdout);
    }
  }
  return {};
}

int run(int count, char** words) {
  if (count == 2 && words[1] == std::string_view("--list-bugs")) {
    for (const auto& [name, bug] : kBugs) std::printf("%.*s\n", int(name.size()), name.data());
    return 0;
  }
  const auto options = parse(count, words);
  if (!options.ok()) {
    std::fprintf(stderr, "simulate: %s\n%s", options.error().describe().c_str(), kUsage);
    return 2;
  }
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  const Status status = runAll(*options, totals);
  if (!status.ok()) {
    std::fprintf(stderr, "simulate: %s\n", status.error().describe().c_str());
    return 2;
  }
  printTotals(totals,
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return (totals.violationCount > 0) != options->expectsViolation;
}

}  // namespace
}  // namespace daos::simulator

int main(int count, char** words) { return daos::simulator::run(count, words); }
