// The command line of the simulator, as values.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "simulator/catalogue.h"

namespace daos::simulator {

extern const char* const kSimulateUsage;

// What a call of the program asks for.
struct SimulateOptions {
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
  bool asksForHelp = false;
  std::string plantedBug;
};

// DER_INVAL names the word that is wrong. `freshSeed` is where a night begins that names no seed.
Result<SimulateOptions> parseSimulateOptions(std::span<const std::string_view> words,
                                             uint64_t freshSeed);

}  // namespace daos::simulator
