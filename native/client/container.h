// An open container: the handles that its targets gave us.
//
// A handle belongs to the session with one target and dies with it; it is opened when it is first
// needed, and again after the target has lost it (an engine that restarted answers DER_NO_HDL).
#pragma once

#include <memory>
#include <vector>

#include "base/uuid.h"
#include "client/cancellation.h"
#include "client/pool.h"
#include "codec/checksum.h"
#include "runtime/task.h"

namespace daos::client {

struct ChecksumOptions {
  ChecksumType type = ChecksumType::kNone;
  uint32_t chunkSize = 32768;  // bytes covered by one checksum; at least a record
  // The engine compares what arrived before it stores it, and damaged data is sent again. Otherwise
  // damage on the way is noticed by the first read.
  bool isVerifiedByServer = false;
};

struct ContainerOptions {
  bool isReadOnly = false;
  ChecksumOptions checksums;          // of what is written; reads verify whatever was stored
  std::vector<std::byte> capability;  // sealed; passed on to the engines
};

class Container {
 public:
  // Opens it on one target, so that an absent container is noticed now: DER_NONEXIST, DER_NO_PERM.
  static Task<Result<std::shared_ptr<Container>>> open(std::shared_ptr<Pool> pool, Uuid uuid,
                                                       ContainerOptions options,
                                                       Cancellation* cancellation = nullptr);
  Pool& pool() const { return *pool_; }
  Context& context() const { return pool_->context(); }
  const Uuid& uuid() const { return uuid_; }
  bool isReadOnly() const { return options_.isReadOnly; }
  const ChecksumOptions& checksums() const { return options_.checksums; }
  const ContainerOptions& options() const { return options_; }

  // The handle at `target`, 0 when it isn't open there.
  uint64_t handleOn(uint32_t target) const {
    return target < handles_.size() ? handles_[target] : 0;
  }
  Task<Result<uint64_t>> openOn(uint32_t target, uint64_t deadlineNs,
                                Cancellation* cancellation = nullptr);
  // In place of the one it was opened with: for handles that are opened from here on.
  void setCapability(std::vector<std::byte> capability) {
    options_.capability = std::move(capability);
  }
  // The target doesn't know `handle` any more.
  void forgetHandle(uint32_t target, uint64_t handle);

 private:
  Container(std::shared_ptr<Pool> pool, Uuid uuid, ContainerOptions options)
      : pool_(std::move(pool)), uuid_(uuid), options_(std::move(options)) {}

  const std::shared_ptr<Pool> pool_;
  const Uuid uuid_;
  ContainerOptions options_;
  std::vector<uint64_t> handles_;  // by position of the target in the pool map
};

inline FrameCache& frameCacheOf(Container& container) { return container.context().frames(); }

}  // namespace daos::client
