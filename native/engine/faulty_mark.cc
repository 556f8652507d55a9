#include "engine/faulty_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr const char* kMarkFile = "faulty";

static Error markError(const fs::path& path, int number) {
  return Error(number == ENOSPC ? ErrorCode::kNospace : ErrorCode::kIo,
               path.string() + ": can't be written: " + std::strerror(number));
}

static Status syncDirectory(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return markError(path, errno);
  const int number = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (number != 0) return markError(path, number);
  return {};
}

Status writeFaultyMark(const fs::path& share, const FaultyMark& mark) {
  const fs::path fresh = share / (std::string(kMarkFile) + ".new");
  std::string why = mark.why;
  std::replace(why.begin(), why.end(), '\n', ' ');
  const std::string text = mark.file + "\n" + why + "\n";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return markError(fresh, errno);
  const bool isWritten =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int number = errno;
  close(fd);
  if (!isWritten) return markError(fresh, number);
  if (rename(fresh.c_str(), (share / kMarkFile).c_str()) != 0) return markError(fresh, errno);
  return syncDirectory(share);
}

std::optional<FaultyMark> readFaultyMark(const fs::path& share) {
  std::ifstream file(share / kMarkFile);
  if (!file) return std::nullopt;
  FaultyMark mark;
  std::getline(file, mark.file);
  std::getline(file, mark.why);
  return mark;
}

}  // namespace daos::engine
