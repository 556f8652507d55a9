#include "simulator/settings.h"

#include <charconv>

namespace daos::simulator {
namespace {

struct Suffix {
  SettingUnit unit;
  std::string_view text;
  uint64_t factor;
};

constexpr Suffix kSuffixes[] = {
    {SettingUnit::kDuration, "ns", 1},
    {SettingUnit::kDuration, "us", 1000},
    {SettingUnit::kDuration, "ms", 1000000},
    {SettingUnit::kDuration, "s", 1000000000},
    {SettingUnit::kSize, "KiB", 1024},
    {SettingUnit::kSize, "MiB", 1048576},
    {SettingUnit::kShare, "%", 10000},
    {SettingUnit::kCount, "", 1},
    {SettingUnit::kSize, "", 1},
    {SettingUnit::kDuration, "", 0},
};

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

Result<uint64_t> parseSetting(SettingUnit unit, std::string_view text) {
  if (unit == SettingUnit::kSwitch) {
    if (text == "yes") return uint64_t{1};
    if (text == "no") return uint64_t{0};
    return invalid("'" + std::string(text) + "' is neither yes nor no");
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  if (error == std::errc() && number == 0 && rest.empty()) return uint64_t{0};
  for (const Suffix& suffix : kSuffixes) {
    if (error != std::errc() || suffix.unit != unit || suffix.text != rest || suffix.factor == 0 ||
        number < 0)
      continue;
    if (unit == SettingUnit::kShare && number > 100)
      return invalid("'" + std::string(text) + "' is more than 100%");
    return static_cast<uint64_t>(number * static_cast<double>(suffix.factor) + 0.5);
  }
  return invalid("'" + std::string(text) + "' has the wrong form; examples: 12, 5ms, 4KiB, 0.1%");
}

std::string formatSetting(SettingUnit unit, uint64_t value) {
  if (unit == SettingUnit::kSwitch) return value ? "yes" : "no";
  if (value == 0) return "0";
  if (unit == SettingUnit::kCount) return std::to_string(value);
  if (unit == SettingUnit::kShare) {
    std::string text = std::to_string(value % 10000);
    text = std::to_string(value / 10000) + "." + std::string(4 - text.size(), '0') + text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + "%";
  }
  const Suffix* best = nullptr;
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.unit == unit && suffix.factor && value % suffix.factor == 0 &&
        (!best || suffix.factor > best->factor)) {
      best = &suffix;
    }
  }
  return std::to_string(value / best->factor) + std::string(best->text);
}

Status parseSettingLines(std::string_view source, std::string_view text, void* context,
                         Status (*set)(void* context, std::string_view name,
                                       std::string_view value)) {
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::string where = std::string(source) + ":" + std::to_string(number);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return invalid(where + ": no '=' in '" + std::string(line) + "'");
    Status status = set(context, trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
    if (!status.ok()) return std::move(status).error().within(where);
  }
  return {};
}

}  // namespace daos::simulator
