// Pools in folders under an engine's data directory, a folder for each target's share.
//
// A share in a LogArena stands on devices: files in its folder, or volumes of the engine's devices
// where it was given some (share_storage.h). One in a PmemArena is the file `arena`, with a device
// for bulk data. Which of these a share is says its folder, whatever the configuration says now.
//
// Invariant: a share is made beside its place and renamed into it, and renamed away before it is
//            removed: after a kill it is whole or absent.
#pragma once

#include "bio/dma_buffer.h"
#include "engine/file_shares.h"
#include "engine/stored_pools.h"
#include "engine/volume_shares.h"
#include "runtime/page_maker.h"
#include "runtime/random.h"

namespace daos::engine {

class FolderPoolStore final : public PoolStore {
 public:
  // Arguments are borrowed; `devices`: null, or those that new shares lie on. Runs the reactor.
  // DER_NOSYS when the kernel offers no io_uring and the arena needs it.
  static Result<std::unique_ptr<FolderPoolStore>> create(Reactor& reactor, Random& random,
                                                         DataDirectory& directory,
                                                         const EngineOptions& options,
                                                         uint32_t target,
                                                         EngineDevices* devices = nullptr);

  // What a share of these sizes takes of the file system: with its log, the two copies of each page
  // of the arena that checkpoints need, and labels.
  static uint64_t bytesOnDisk(ArenaKind kind, PoolSizes sizes);

  Task<Result<std::unique_ptr<StoredPool>>> create(Uuid pool, PoolSizes sizes) override;
  Task<Result<std::unique_ptr<StoredPool>>> open(Uuid pool) override;
  Task<Status> resize(Uuid pool, uint64_t dataBytes) override;
  Task<Status> destroy(Uuid pool) override;
  Status markFaulty(Uuid pool, const std::string& path, const std::string& why) override;
  std::vector<FaultyDevice> faultyDevices() override;
  Task<Result<std::unique_ptr<StoredPool>>> replace(Uuid pool, PoolSizes sizes) override;
  Result<std::vector<Uuid>> list() override { return directory_.pools(target_); }
  std::optional<Error> failure() const override;
  void onFailed(std::function<void(const Error&)> callback) override;
  void failDevice(uint32_t device, const Error& error) override;
  void stopDiscarding() override;
  Task<void> releaseDevice(uint32_t device) override;
  Task<Status> takeDevice(uint32_t device) override;

 private:
  using Stored = Task<Result<std::unique_ptr<StoredPool>>>;
  FolderPoolStore(Random& random, DataDirectory& directory, const EngineOptions& options,
                  uint32_t target)
      : random_(random), directory_(directory), options_(options), target_(target) {}
  Status start(Reactor& reactor, EngineDevices* devices);
  ShareFolder placeOf(const Uuid& pool) const;
  // DER_NONEXIST.
  Result<ShareFolder> find(const Uuid& pool) const;
  // What the share in a folder stands on. DER_NOSYS: on devices, and the engine was given none.
  Result<ShareStorage*> storageOf(const ShareFolder& share) const;
  ShareStorage& storageOfNew() const;
  Status checkRoom(const ShareFolder& replaced, PoolSizes sizes) const;
  // A share beside its place.
  Stored createFresh(ShareFolder share, PoolSizes sizes, const ShareFolder* replaced);
  Stored createAt(ShareFolder share, PoolSizes sizes, const ShareFolder* replaced);
  Stored createLog(ShareFolder share, PoolSizes sizes, const ShareFolder* replaced);
  Stored createPmem(ShareFolder share, PoolSizes sizes, const ShareFolder* replaced);
  Stored openPmem(ShareFolder share, ShareStorage& storage);
  vos::LogStoreContext logContext();
  // The steps of resize: the label of the data area; and the store's own view of it.
  Task<Status> relabelData(ShareFolder share, ShareStorage& storage, uint64_t dataBytes);
  Task<Result<uint64_t>> adoptDataSize(Uuid pool, uint64_t dataBytes);

  Random& random_;
  DataDirectory& directory_;
  const EngineOptions& options_;
  const uint32_t target_;
  PageMaker pageMaker_;  // of the arenas of all pools
  // Null: the kernel has none; only pools all in pmem are served.
  std::unique_ptr<bio::IoRing> ring_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<FileShares> files_;
  std::unique_ptr<TargetRegions> regions_;  // null: the engine was given no devices
  std::unique_ptr<VolumeShares> volumes_;
};

}  // namespace daos::engine
