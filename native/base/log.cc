#include "base/log.h"

#include <cstdio>

namespace daos {

static constexpr const char* kLevelNames[] = {"debug", "info", "warning", "error"};

Log Log::toStandardError(LogLevel level) {
  return Log(level, [](LogLevel at, std::string_view line) {
    std::fprintf(stderr, "%s: %.*s\n", kLevelNames[static_cast<int>(at)],
                 static_cast<int>(line.size()), line.data());
  });
}

}  // namespace daos
