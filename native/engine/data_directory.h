// The directory an engine keeps its pools in: locked by one engine, marked with its format and
// shape.
//
// DIR/lock          held by flock as long as the engine runs; holds its process id
// DIR/engine        text: format version, rank, number of targets
// DIR/addresses-N   text: where target N listened last, an address a line
// DIR/pools/UUID/target-N/   one target's share of a pool
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "placement/layout.h"

namespace daos::engine {

inline constexpr uint32_t kDataDirectoryFormat = 1;

class DataDirectory {
 public:
  // Creates it when it is absent. DER_BUSY: another engine has it; DER_DF_INCOMPT: of another
  // format version; DER_MISMATCH: of another rank or number of targets; DER_NO_PERM, DER_IO.
  static Result<std::unique_ptr<DataDirectory>> open(const std::string& path, uint32_t rank,
                                                     uint32_t targetCount);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  std::filesystem::path targetPath(const Uuid& pool, uint32_t target) const;
  std::filesystem::path poolPath(const Uuid& pool) const;
  // Where a share is made before it gets its place, and where it goes before it is removed.
  std::filesystem::path creatingPath(const Uuid& pool, uint32_t target) const;
  std::filesystem::path destroyingPath(const Uuid& pool, uint32_t target) const;
  // Pools of which `target` has a share.
  Result<std::vector<Uuid>> pools(uint32_t target) const;
  // Removes what a kill in the middle of a creation or destruction left of shares of `target`.
  void sweep(uint32_t target) const;
  // Where `target` listened last, by transport; empty where nobody knows. Kept as well as it goes:
  // without it an engine listens elsewhere.
  std::vector<placement::TargetAddress> addressesOf(uint32_t target) const;
  void keepAddresses(uint32_t target, std::span<const placement::TargetAddress> addresses) const;
  // What the file system has left.
  uint64_t freeBytes() const;

 private:
  DataDirectory(std::filesystem::path path, int lockFd) : path_(std::move(path)), lockFd_(lockFd) {}
  Status checkMark(uint32_t rank, uint32_t targetCount) const;

  const std::filesystem::path path_;
  const int lockFd_;
};

}  // namespace daos::engine
