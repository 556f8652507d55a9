#include "testing/leftovers.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace daos {

std::string nameInSharedMemory(std::string_view prefix, std::string_view suffix) {
  const std::filesystem::path directory = "/dev/shm";
  const std::string start = std::string(prefix) + '.';
  std::error_code ignored;  // others clean up too
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(start)) continue;
    const int owner = std::atoi(name.c_str() + start.size());
    if (owner > 0 && kill(owner, 0) != 0 && errno == ESRCH) {
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
  return directory / (start + std::to_string(getpid()) + std::string(suffix));
}

}  // namespace daos
