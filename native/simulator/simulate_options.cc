#include "simulator/simulate_options.h"

#include <algorithm>

namespace daos::simulator {

const char* const kSimulateUsage =
    "simulate [--seed N | --seeds A..B | --forever] [--workload W] [--faults F] [--seconds S]\n"
    "         [--world system|rpc] [--set NAME=VALUE]... [--without I,J,...] [--regressions]\n"
    "         [--minimise] [--trace] [--keep-going] [--expect-violation] [--directory D]\n"
    "         [--plant BUG]    in a build with DAOS_PLANT; --list-bugs names them\n";

namespace {

Result<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto refused = [&] { return invalid("'" + std::string(text) + "' is no whole number"); };
  if (text.empty() || text.size() > 18) return refused();
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return refused();
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  return value;
}

Status parseSeeds(std::string_view text, SimulateOptions& options) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) return invalid("--seeds wants A..B");
  DAOS_TRY(options.seedFirst, number(text.substr(0, dots)));
  DAOS_TRY(options.seedLast, number(text.substr(dots + 2)));
  if (options.seedFirst <= options.seedLast) return {};
  return invalid("--seeds " + std::string(text) + ": there is none between the two");
}

Status parseWithout(std::string_view text, SimulateOptions& options) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    DAOS_TRY(const uint64_t index, number(text.substr(0, comma)));
    options.without.insert(static_cast<uint32_t>(index));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

bool parseSwitch(std::string_view word, SimulateOptions& options) {
  using Options = SimulateOptions;
  struct Switch {
    std::string_view word;
    bool Options::*field;
  };
  static constexpr Switch kSwitches[] = {{"--regressions", &Options::runsRegressions},
                                         {"--forever", &Options::isForever},
                                         {"--help", &Options::asksForHelp},
                                         {"-h", &Options::asksForHelp},
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

bool takesValue(std::string_view word) {
  static constexpr std::string_view kWords[] = {"--workload", "--faults",    "--world",
                                                "--plant",    "--directory", "--seed",
                                                "--seeds",    "--seconds",   "--without",
                                                "--set"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

Status parseSet(std::string_view text, SimulateOptions& options) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return invalid("--set wants NAME=VALUE");
  options.settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  return {};
}

// Of a word that takes one.
Status parseValue(std::string_view word, std::string value, SimulateOptions& options) {
  if (word == "--workload") {
    options.name.workload = value;
  } else if (word == "--faults") {
    options.name.faults = value;
  } else if (word == "--world") {
    options.name.world = value;
  } else if (word == "--directory") {
    options.directory = value;
  } else if (word == "--plant") {
    options.plantedBug = value;
  } else if (word == "--seed") {
    DAOS_TRY(options.seedFirst, number(value));
    options.seedLast = options.seedFirst;
  } else if (word == "--seeds") {
    return parseSeeds(value, options);
  } else if (word == "--seconds") {
    DAOS_TRY(options.name.seconds, number(value));
  } else if (word == "--without") {
    return parseWithout(value, options);
  } else {
    return parseSet(value, options);
  }
  return {};
}

}  // namespace

Result<SimulateOptions> parseSimulateOptions(std::span<const std::string_view> words,
                                             uint64_t freshSeed) {
  SimulateOptions options;
  for (size_t i = 0; i < words.size(); ++i) {
    if (parseSwitch(words[i], options)) continue;
    if (!takesValue(words[i])) return invalid("what is '" + std::string(words[i]) + "'?");
    if (i + 1 == words.size()) return invalid(std::string(words[i]) + " wants a value");
    DAOS_CHECK(parseValue(words[i], std::string(words[i + 1]), options));
    ++i;
  }
  if (!findRun(options.name.world)) return invalid("no world '" + options.name.world + "'");
  if (options.isForever) {
    if (options.seedFirst == SimulateOptions().seedFirst) options.seedFirst = freshSeed;
    options.seedLast = ~uint64_t{0} - 1;
  }
  return options;
}

}  // namespace daos::simulator
