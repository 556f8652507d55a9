#include "engine/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "bio/file_error.h"
#include "engine/text_file.h"

namespace daos::engine {

namespace fs = std::filesystem;

using bio::fileError;

static std::string ownerOf(int lockFd) {
  char text[32] = {};
  const ssize_t size = pread(lockFd, text, sizeof(text) - 1, 0);
  return size > 0 ? " (process " + std::string(text, text + size) + ")" : "";
}

static Result<int> lock(const fs::path& path) {
  const fs::path file = path / "lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return fileError(file, "can't be opened", errno);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int number = errno;
    Error error = number == EWOULDBLOCK
                      ? Error(ErrorCode::kBusy, "data directory " + path.string() +
                                                    " is in use by another engine" + ownerOf(fd) +
                                                    "; stop it or choose another directory")
                      : fileError(file, "can't be locked", number);
    close(fd);
    return error;
  }
  const std::string owner = std::to_string(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, owner.data(), owner.size(), 0) < 0) {
    const int number = errno;
    close(fd);
    return fileError(file, "can't be written", number);
  }
  return fd;
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path, uint32_t rank,
                                                           uint32_t targetCount) {
  if (path.empty()) return invalid("the engine has no data directory");
  std::error_code failure;
  fs::create_directories(fs::path(path) / "pools", failure);
  if (failure) return fileError(path, "can't be created", failure.value());
  DAOS_TRY(const int lockFd, lock(path));
  std::unique_ptr<DataDirectory> directory(new DataDirectory(path, lockFd));
  DAOS_CHECK(directory->checkMark(rank, targetCount));
  return directory;
}

DataDirectory::~DataDirectory() { close(lockFd_); }

// "daos-engine FORMAT\nrank R\ntargets N\n"
Status DataDirectory::checkMark(uint32_t rank, uint32_t targetCount) const {
  const fs::path mark = path_ / "engine";
  std::ostringstream wanted;
  wanted << "daos-engine " << kDataDirectoryFormat << "\nrank " << rank << "\ntargets "
         << targetCount << "\n";
  std::ifstream file(mark);
  if (!file) return writeTextFile(mark, wanted.str());
  std::string magic, rankWord, targetsWord;
  uint32_t format = 0, foundRank = 0, foundTargets = 0;
  file >> magic >> format >> rankWord >> foundRank >> targetsWord >> foundTargets;
  if (magic != "daos-engine" || file.fail()) {
    return Error(ErrorCode::kDfInval,
                 mark.string() + " is not the mark of an engine's data directory");
  }
  if (format != kDataDirectoryFormat) {
    return Error(ErrorCode::kDfIncompt,
                 path_.string() + " has format version " + std::to_string(format) +
                     "; this program reads version " + std::to_string(kDataDirectoryFormat));
  }
  if (foundRank != rank || foundTargets != targetCount) {
    return Error(ErrorCode::kMismatch,
                 path_.string() + " belongs to rank " + std::to_string(foundRank) + " with " +
                     std::to_string(foundTargets) + " targets; the configuration says rank " +
                     std::to_string(rank) + " with " + std::to_string(targetCount));
  }
  return {};
}

fs::path DataDirectory::poolPath(const Uuid& pool) const {
  return path_ / "pools" / pool.toString();
}

fs::path DataDirectory::targetPath(const Uuid& pool, uint32_t target) const {
  return poolPath(pool) / ("target-" + std::to_string(target));
}

fs::path DataDirectory::creatingPath(const Uuid& pool, uint32_t target) const {
  return targetPath(pool, target).string() + ".creating";
}

fs::path DataDirectory::destroyingPath(const Uuid& pool, uint32_t target) const {
  return targetPath(pool, target).string() + ".destroying";
}

void DataDirectory::sweep(uint32_t target) const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_ / "pools", ignored)) {
    const auto uuid = Uuid::parse(entry.path().filename().string());
    if (!uuid.ok()) continue;
    fs::remove_all(creatingPath(*uuid, target), ignored);
    fs::remove_all(destroyingPath(*uuid, target), ignored);
    fs::remove(entry.path(), ignored);  // only if nothing is left in it
  }
}

Result<std::vector<Uuid>> DataDirectory::pools(uint32_t target) const {
  std::vector<Uuid> found;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(path_ / "pools", failure)) {
    const auto uuid = Uuid::parse(entry.path().filename().string());
    if (uuid.ok() && fs::exists(targetPath(*uuid, target))) found.push_back(*uuid);
  }
  if (failure) return fileError(path_ / "pools", "can't be listed", failure.value());
  return found;
}

std::vector<placement::TargetAddress> DataDirectory::addressesOf(uint32_t target) const {
  std::ifstream file(path_ / ("addresses-" + std::to_string(target)));
  std::vector<placement::TargetAddress> addresses;
  placement::TargetAddress address;
  while (file >> address.transport >> address.address) addresses.push_back(address);
  return addresses;
}

void DataDirectory::keepAddresses(uint32_t target,
                                  std::span<const placement::TargetAddress> addresses) const {
  std::string text;
  for (const auto& [transport, address] : addresses) text += transport + ' ' + address + '\n';
  (void)writeTextFile(path_ / ("addresses-" + std::to_string(target)), text);
}

uint64_t DataDirectory::freeBytes() const {
  std::error_code failure;
  const fs::space_info space = fs::space(path_, failure);
  return failure ? 0 : space.available;
}

}  // namespace daos::engine
