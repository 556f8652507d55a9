#include "simulator/catalogue.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulator/random_stream.h"
#include "simulator/rpc_world.h"
#include "simulator/system/system_world.h"

namespace daos::simulator {

namespace fs = std::filesystem;

static Result<std::string> readText(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return Error(ErrorCode::kNonexist, "can't read " + path.string());
  return text.str();
}

template <typename T>
static Status readAll(const fs::path& directory, std::string_view extension,
                      std::span<const Setting<T>> table, std::map<std::string, T>& into) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory, failure)) {
    if (entry.path().extension() != extension) continue;
    DAOS_TRY(const std::string text, readText(entry.path()));
    DAOS_CHECK(
        applySettings(into[entry.path().stem().string()], table, entry.path().string(), text));
  }
  if (into.empty())
    return Error(ErrorCode::kNonexist,
                 "no *" + std::string(extension) + " in " + directory.string());
  return {};
}

Result<Catalogue> Catalogue::read(const std::string& directory) {
  Catalogue catalogue;
  catalogue.directory_ = directory;
  DAOS_CHECK(readAll(fs::path(directory) / "workloads", ".workload", workloadSettings(),
                     catalogue.workloads_));
  DAOS_CHECK(
      readAll(fs::path(directory) / "faults", ".faults", faultSettings(), catalogue.faults_));
  return catalogue;
}

template <typename T>
static Result<T> choose(const std::map<std::string, T>& among, std::string& name, Random& random,
                        const char* what) {
  if (name == "any")
    name = std::next(among.begin(), static_cast<ptrdiff_t>(random.below(among.size())))->first;
  const auto found = among.find(name);
  if (found != among.end()) return found->second;
  std::string known = "any";
  for (const auto& [each, options] : among) known += ", " + each;
  return Error(ErrorCode::kNonexist,
               std::string("no ") + what + " '" + name + "': there are " + known);
}

Result<CaseArguments> Catalogue::resolve(CaseName& name) const {
  SeededRandom random = randomStream(name.seed, Stream::kWorld, 77);
  CaseArguments arguments{.seed = name.seed, .durationNs = name.seconds * 1'000'000'000};
  DAOS_TRY(arguments.workload, choose(workloads_, name.workload, random, "workload"));
  DAOS_TRY(arguments.faults, choose(faults_, name.faults, random, "faults"));
  return arguments;
}

std::string CaseName::describe() const {
  return world + " seed=" + std::to_string(seed) + " workload=" + workload + " faults=" + faults +
         " seconds=" + std::to_string(seconds);
}

static Result<uint64_t> parseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid("'" + std::string(text) + "' is no number");
  return number;
}

Result<CaseName> parseCaseName(std::string_view line) {
  CaseName name;
  std::istringstream words{std::string(line)};
  words >> name.world;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "workload") {
      name.workload = value;
    } else if (key == "faults") {
      name.faults = value;
    } else if (key == "seed") {
      DAOS_TRY(name.seed, parseNumber(value));
    } else if (key == "seconds") {
      DAOS_TRY(name.seconds, parseNumber(value));
    } else {
      return invalid("'" + word + "' in '" + std::string(line) + "'");
    }
  }
  if (!findRun(name.world)) return invalid("no world '" + name.world + "'");
  return name;
}

Result<std::vector<CaseName>> Catalogue::regressions() const {
  DAOS_TRY(const std::string text, readText(fs::path(directory_) / "regressions.txt"));
  std::vector<CaseName> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    DAOS_TRY(names.emplace_back(), parseCaseName(line));
  }
  return names;
}

RunCase findRun(std::string_view world) {
  if (world == "system") return runSystemCase;
  if (world == "rpc") return runRpcCase;
  return nullptr;
}

}  // namespace daos::simulator
