// Logging: one line per event, to a sink that main chooses. Not for the steady path of an I/O.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace daos {

enum class LogLevel : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3, kOff = 4 };

// Passed to whoever logs. Thread-safe as far as its sink is.
class Log {
 public:
  using Sink = std::function<void(LogLevel, std::string_view line)>;
  Log() = default;
  Log(LogLevel level, Sink sink) : level_(level), sink_(std::move(sink)) {}
  // Lines to standard error, as "level: text".
  static Log toStandardError(LogLevel level);

  bool wants(LogLevel level) const { return sink_ && level >= level_; }
  void write(LogLevel level, std::string_view line) const { sink_(level, line); }

 private:
  LogLevel level_ = LogLevel::kOff;
  Sink sink_;
};

}  // namespace daos

// DAOS_LOG_INFO(log, "target " + std::to_string(i) + " started"): the text is built only if wanted.
#define DAOS_LOG_AT(log, level, ...)                           \
  do {                                                         \
    if ((log).wants(level)) (log).write(level, (__VA_ARGS__)); \
  } while (false)
#define DAOS_LOG_DEBUG(log, ...) DAOS_LOG_AT(log, ::daos::LogLevel::kDebug, __VA_ARGS__)
#define DAOS_LOG_INFO(log, ...) DAOS_LOG_AT(log, ::daos::LogLevel::kInfo, __VA_ARGS__)
#define DAOS_LOG_WARNING(log, ...) DAOS_LOG_AT(log, ::daos::LogLevel::kWarning, __VA_ARGS__)
#define DAOS_LOG_ERROR(log, ...) DAOS_LOG_AT(log, ::daos::LogLevel::kError, __VA_ARGS__)
