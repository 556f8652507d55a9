#include "simulator/minimise.h"

#include <algorithm>

namespace daos::simulator {
namespace {

class Minimiser {
 public:
  Minimiser(CaseArguments failing, const std::string& check, RunCase run,
            const MinimiseOptions& options)
      : best_(std::move(failing)), check_(check), run_(run), options_(options) {}

  CaseArguments minimise() {
    best_.isRecording = false;
    bool isSmaller = true;
    while (isSmaller && attempts_ < options_.attemptsMax) {
      isSmaller = dropEvents();
      isSmaller |= dropRates();
      isSmaller |= shrinkWorkload();
    }
    return best_;
  }

 private:
  bool keepIfFailing(CaseArguments candidate, const std::string& step) {
    if (attempts_++ >= options_.attemptsMax) return false;
    const CaseResult result = run_(candidate);
    if (!result.violation || result.violation->check != check_) return false;
    best_ = std::move(candidate);
    if (options_.onProgress) options_.onProgress(step);
    return true;
  }

  // Leaves out ever smaller runs of events (after Zeller's delta debugging).
  bool dropEvents() {
    std::vector<uint32_t> left;
    for (const FaultEvent& event : planFaults(best_.seed, best_.faults, best_.durationNs)) {
      if (!best_.withoutFaults.contains(event.index)) left.push_back(event.index);
    }
    bool isSmaller = false;
    for (size_t size = left.size(); size > 0; size /= 2) {
      for (size_t at = 0; at < left.size();) {
        const size_t count = std::min(size, left.size() - at);
        CaseArguments candidate = best_;
        candidate.withoutFaults.insert(left.begin() + static_cast<ptrdiff_t>(at),
                                       left.begin() + static_cast<ptrdiff_t>(at + count));
        if (keepIfFailing(std::move(candidate),
                          "without " + std::to_string(count) + " fault events")) {
          left.erase(left.begin() + static_cast<ptrdiff_t>(at),
                     left.begin() + static_cast<ptrdiff_t>(at + count));
          isSmaller = true;
        } else {
          at += count;
        }
      }
    }
    return isSmaller;
  }

  // Switches off what is drawn per message and request. Kinds of events stay: their indices name
  // them.
  bool dropRates() {
    bool isSmaller = false;
    const FaultOptions none;
    for (const auto& setting : faultSettings()) {
      const bool isRate = setting.unit == SettingUnit::kShare && setting.name != "network.oneWay";
      const bool isClock = setting.name == "clock.skewMax" || setting.name == "clock.driftMaxPpm";
      if ((!isRate && !isClock) || best_.faults.*setting.field == none.*setting.field) continue;
      CaseArguments candidate = best_;
      candidate.faults.*setting.field = none.*setting.field;
      isSmaller |= keepIfFailing(std::move(candidate), "without " + std::string(setting.name));
    }
    return isSmaller;
  }

  bool shrinkWorkload() {
    bool isSmaller = false;
    for (const auto& setting : workloadSettings()) {
      const bool isWeight =
          setting.name.starts_with("weight.") || setting.unit == SettingUnit::kShare;
      const bool isCount = setting.unit == SettingUnit::kCount && !isWeight;
      const uint64_t value = best_.workload.*setting.field;
      const uint64_t least = isCount && setting.name != "arrays" ? 1 : 0;
      if ((!isWeight && !isCount) || value <= least) continue;
      for (const uint64_t smaller : {least, value / 2, value - 1}) {
        if (smaller < least || smaller >= value || (isWeight && smaller != least)) continue;
        CaseArguments candidate = best_;
        candidate.workload.*setting.field = smaller;
        if (!keepIfFailing(std::move(candidate),
                           std::string(setting.name) + " = " + std::to_string(smaller)))
          continue;
        isSmaller = true;
        break;
      }
    }
    return isSmaller;
  }

  CaseArguments best_;
  const std::string check_;
  const RunCase run_;
  const MinimiseOptions& options_;
  uint32_t attempts_ = 0;
};

}  // namespace

CaseArguments minimise(CaseArguments failing, const std::string& check, RunCase run,
                       const MinimiseOptions& options) {
  return Minimiser(std::move(failing), check, run, options).minimise();
}

}  // namespace daos::simulator
