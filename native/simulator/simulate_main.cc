// simulate: runs cases of the simulator and says what they violate. docs/simulator.md.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/planted.h"
#include "simulator/catalogue.h"
#include "simulator/minimise.h"
#include "simulator/simulate_options.h"

namespace daos::simulator {
namespace {

constexpr int kInterruptedStatus = 130;

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

// A setting of the workload or of the faults, whichever has that name.
Status applyOverrides(const SimulateOptions& options, CaseArguments& arguments) {
  for (const auto& [name, value] : options.settings) {
    if (hasSetting(faultSettings(), name)) {
      DAOS_CHECK(applySetting(arguments.faults, faultSettings(), name, value));
    } else if (hasSetting(workloadSettings(), name)) {
      DAOS_CHECK(applySetting(arguments.workload, workloadSettings(), name, value));
    } else {
      return invalid("no setting '" + name + "' of workloads (" + settingNames(workloadSettings()) +
                     ") or faults (" + settingNames(faultSettings()) + ")");
    }
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

// That runs the case again.
std::string commandOf(const CaseName& name, const CaseArguments& arguments,
                      const Catalogue& catalogue) {
  std::string line = "tools/simulate --seed " + std::to_string(name.seed) + " --world " +
                     name.world + " --workload " + name.workload + " --faults " + name.faults +
                     " --seconds " + std::to_string(name.seconds);
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
  addSettings(formatSettings(arguments.workload, catalogue.workloads().at(name.workload),
                             workloadSettings()));
  addSettings(
      formatSettings(arguments.faults, catalogue.faults().at(name.faults), faultSettings()));
  std::string without;
  for (const uint32_t index : arguments.withoutFaults)
    without += (without.empty() ? "" : ",") + std::to_string(index);
  return without.empty() ? line : line + " --without " + without;
}

void printViolation(const CaseName& name, const CaseArguments& arguments, const CaseResult& result,
                    const Catalogue& catalogue) {
  std::printf("VIOLATION of %s\n  %s\n  case: %s  trace %016llx\n  again: %s\n",
              result.violation->check.c_str(), result.violation->explanation.c_str(),
              name.describe().c_str(), static_cast<unsigned long long>(result.traceHash),
              commandOf(name, arguments, catalogue).c_str());
  std::printf("faults:\n");
  printFaults(arguments, result);
  std::printf("operations on what it is about:\n%s", result.timeline.c_str());
}

// One that no other night began with.
uint64_t freshSeed() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return static_cast<uint64_t>(seconds) * 1000;
}

struct Totals {
  uint64_t caseCount = 0;
  uint64_t violationCount = 0;
  uint64_t virtualNs = 0;
  uint64_t hash = 0;
  std::map<std::string, uint64_t> counts;
};

Status runOne(const SimulateOptions& options, const Catalogue& catalogue, CaseName name,
              Totals& totals) {
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
  printViolation(name, arguments, result, catalogue);
  if (options.minimises) {
    MinimiseOptions how;
    how.onProgress = [](const std::string& step) { std::fprintf(stderr, "  %s\n", step.c_str()); };
    const CaseArguments smallest = minimise(arguments, result.violation->check, run, how);
    std::printf("smallest case found:\n");
    printViolation(name, smallest, run(smallest), catalogue);
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

// By the first interrupt: the run ends with its totals. The second one ends the process.
volatile std::sig_atomic_t isInterrupted = 0;

void listenForInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { isInterrupted = 1; };
  action.sa_flags = SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

Status runAll(const SimulateOptions& options, Totals& totals) {
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
    if (isInterrupted) {
      std::printf("interrupted after seed %llu\n", static_cast<unsigned long long>(seed));
      break;
    }
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
  const std::vector<std::string_view> given(words + 1, words + count);
  auto options = parseSimulateOptions(given, freshSeed());
  if (options.ok() && !options->plantedBug.empty()) {
    Status status = plant(options->plantedBug);
    if (!status.ok()) options = std::move(status).error();
  }
  if (!options.ok()) {
    std::fprintf(stderr, "simulate: %s\n%s", options.error().describe().c_str(), kSimulateUsage);
    return 2;
  }
  if (options->asksForHelp) {
    std::fputs(kSimulateUsage, stdout);
    return 0;
  }
  listenForInterrupt();
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  const Status status = runAll(*options, totals);
  if (!status.ok()) {
    std::fprintf(stderr, "simulate: %s\n", status.error().describe().c_str());
    return 2;
  }
  printTotals(totals,
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  // Of a night it is the usual end; what should have run to its end has not.
  if (isInterrupted && !options->isForever) return kInterruptedStatus;
  return (totals.violationCount > 0) != options->expectsViolation;
}

}  // namespace
}  // namespace daos::simulator

int main(int count, char** words) { return daos::simulator::run(count, words); }
