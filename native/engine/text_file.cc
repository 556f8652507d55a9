#include "engine/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "bio/file_error.h"

namespace daos::engine {

namespace fs = std::filesystem;

Status syncDirectory(const fs::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return bio::fileError(directory, "can't be opened", errno);
  const int number = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (number != 0) return bio::fileError(directory, "can't be written", number);
  return {};
}

Status writeTextFile(const fs::path& path, const std::string& text) {
  const fs::path fresh = path.string() + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return bio::fileError(fresh, "can't be created", errno);
  const bool isWritten =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int number = errno;
  close(fd);
  if (!isWritten) return bio::fileError(fresh, "can't be written", number);
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    return bio::fileError(path, "can't be written", errno);
  }
  return syncDirectory(path.parent_path());
}

std::string lineOf(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace daos::engine
