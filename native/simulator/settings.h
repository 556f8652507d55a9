// Declarative files of workloads and faults: a line per setting, "name = value", "#" starts a
// comment.
//
// A value is a number, a duration (5us, 20ms, 3s), a size (4KiB, 64MiB), a share (0.1%, 5%), or yes
// / no. Shares are kept in parts per million.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace daos::simulator {

enum class SettingUnit { kCount, kDuration, kSize, kShare, kSwitch };

// One field of an options struct of type T.
template <typename T>
struct Setting {
  std::string_view name;
  SettingUnit unit;
  uint64_t T::*field;
};

Result<uint64_t> parseSetting(SettingUnit unit, std::string_view text);
std::string formatSetting(SettingUnit unit, uint64_t value);
// Calls `set(name, value)` for each line; errors name `source` and the line.
Status parseSettingLines(std::string_view source, std::string_view text, void* context,
                         Status (*set)(void* context, std::string_view name,
                                       std::string_view value));

template <typename T>
bool hasSetting(std::span<const Setting<T>> table, std::string_view name) {
  return std::any_of(table.begin(), table.end(),
                     [&](const Setting<T>& setting) { return setting.name == name; });
}

template <typename T>
std::string settingNames(std::span<const Setting<T>> table) {
  std::string names;
  for (const Setting<T>& setting : table)
    names += (names.empty() ? "" : ", ") + std::string(setting.name);
  return names;
}

template <typename T>
Status applySetting(T& options, std::span<const Setting<T>> table, std::string_view name,
                    std::string_view value) {
  for (const Setting<T>& setting : table) {
    if (setting.name != name) continue;
    DAOS_TRY(options.*setting.field, parseSetting(setting.unit, value));
    return {};
  }
  return invalid("no setting '" + std::string(name) + "': there are " + settingNames(table));
}

template <typename T>
Status applySettings(T& options, std::span<const Setting<T>> table, std::string_view source,
                     std::string_view text) {
  struct Context {
    T& options;
    std::span<const Setting<T>> table;
  } context{options, table};
  return parseSettingLines(source, text, &context,
                           [](void* at, std::string_view name, std::string_view value) {
                             const Context& self = *static_cast<Context*>(at);
                             return applySetting(self.options, self.table, name, value);
                           });
}

// The lines that differ from `base`; parsing them onto `base` gives `options` again.
template <typename T>
std::string formatSettings(const T& options, const T& base, std::span<const Setting<T>> table) {
  std::string text;
  for (const Setting<T>& setting : table) {
    const uint64_t value = options.*setting.field;
    if (value == base.*setting.field) continue;
    text += std::string(setting.name) + " = " + formatSetting(setting.unit, value) + "\n";
  }
  return text;
}

}  // namespace daos::simulator
