// Where a target keeps its share of each pool. Files in production, simulated devices in the
// simulator.
//
// Thread: the target's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "bio/device_roles.h"
#include "bio/media.h"
#include "runtime/task.h"
#include "vos/vos.h"

namespace daos::engine {

struct PoolSizes {
  uint64_t arenaBytes = 0;  // metadata and small values
  uint64_t dataBytes = 0;   // bulk data; 0: everything lives in the arena
};

// What takes the place of a device that was given up.
struct DeviceReplacement {
  // Nil: the one whose device it is; on devices that many share it has to be said.
  Uuid pool;
  PoolSizes sizes;               // of the share, as the pool was created
  std::vector<Uuid> containers;  // of the pool; made anew, empty
  // Nothing keeps a copy of what lay there: all that the target holds of the pool is lost.
  bool acceptsDataLoss = false;
};

// One of the devices below a share.
struct StoredDevice {
  bio::Media* media = nullptr;
  bio::DeviceRoles roles;  // of the share, that lie there
};

// An open share: the VOS pool and what it stands on.
class StoredPool {
 public:
  virtual ~StoredPool() = default;
  virtual vos::Pool& vos() = 0;
  // `callback` is called once, in the turn that what the share stands on fails: nothing may be
  // acknowledged any more. It must not destroy the share. Storage whose owner watches it by itself
  // never calls.
  virtual void onFailed(std::function<void(const Error&)> /*callback*/) {}
  // What it stands on; none where that is memory.
  virtual std::vector<StoredDevice> devices() { return {}; }
  // No resize was left between two steps: what its data area stands on is as large as that takes.
  virtual bool isDataSettled() { return true; }
  // Ends background work and makes everything durable; the object is only destroyed after that.
  virtual Task<Status> close() = 0;
};

// A device of a share that was given up, which the store remembers over restarts; or one that has
// come in its place since, and knows nothing of the share.
struct FaultyDevice {
  Uuid pool;
  std::string path;
  bio::DeviceRoles roles;
  uint64_t sizeBytes = 0;
  std::string why;
  // It works, but what the share had there is gone: only that pool is affected.
  bool isLost = false;
};

class PoolStore {
 public:
  virtual ~PoolStore() = default;
  // DER_EXIST, DER_NOSPACE (saying what is free). A failed creation leaves nothing behind.
  virtual Task<Result<std::unique_ptr<StoredPool>>> create(Uuid pool, PoolSizes sizes) = 0;
  // DER_NONEXIST, DER_BUSY (in use by another process), DER_DF_INCOMPT, DER_DF_INVAL, DER_MISMATCH.
  virtual Task<Result<std::unique_ptr<StoredPool>>> open(Uuid pool) = 0;
  // Another size of the data area of a closed pool. DER_NOSPACE: data lies beyond the new end, or
  // there is no room; the old size stays then. A kill in between leaves one of the two.
  virtual Task<Status> resize(Uuid /*pool*/, uint64_t /*dataBytes*/) {
    co_return Error(ErrorCode::kNosys, "pools keep their size here");
  }
  // The pool is closed. DER_NONEXIST.
  virtual Task<Status> destroy(Uuid pool) = 0;
  // From here on open() of the pool ends with DER_IO, until replace() or destroy(). `path` is the
  // name of one of the share's devices. DER_NOSYS: this store keeps no such marks.
  virtual Status markFaulty(Uuid /*pool*/, const std::string& /*path*/,
                            const std::string& /*why*/) {
    return Error(ErrorCode::kNosys);
  }
  virtual std::vector<FaultyDevice> faultyDevices() { return {}; }
  // In place of the share, which is closed, a new one without anything in it: as destroy() and
  // create(), but a crash leaves one of the two. DER_NONEXIST, DER_NOSPACE.
  virtual Task<Result<std::unique_ptr<StoredPool>>> replace(Uuid /*pool*/, PoolSizes /*sizes*/) {
    co_return Error(ErrorCode::kNosys);
  }
  virtual Result<std::vector<Uuid>> list() = 0;

  // Stores on devices that their pools have in common, by their numbers in the engine.

  // What keeps the target from serving anything.
  virtual std::optional<Error> failure() const { return std::nullopt; }
  // `callback` is called in the turn that such a device fails.
  virtual void onFailed(std::function<void(const Error&)> /*callback*/) {}
  virtual void failDevice(uint32_t /*device*/, const Error& /*error*/) {}
  // Ends what goes on in the background without anybody waiting for it, as far as it has not begun.
  virtual void stopDiscarding() {}
  // Around a renewal. No pool is open.
  virtual Task<void> releaseDevice(uint32_t /*device*/) { co_return; }
  virtual Task<Status> takeDevice(uint32_t /*device*/) { co_return Status{}; }
};

}  // namespace daos::engine
