// Pools in files under an engine's data directory.
//
// A share in a LogArena is the file `store`, a device with the roles WAL and META; one in a
// PmemArena is `arena`. Bulk data lies in `data`, a device with the role DATA, where the pool has
// such space. A device that was given up has a mark beside it (faulty_mark.h).
#pragma once

#include "bio/dma_buffer.h"
#include "bio/io_ring.h"
#include "engine/data_directory.h"
#include "engine/engine.h"
#include "engine/pool_store.h"
#include "runtime/random.h"
#include "vos/log/log_store.h"

namespace daos::engine {

class FilePoolStore final : public PoolStore {
 public:
  // Arguments are borrowed. DER_NOSYS when the kernel offers no io_uring and the arena needs it.
  static Result<std::unique_ptr<FilePoolStore>> create(Reactor& reactor, Random& random,
                                                       DataDirectory& directory,
                                                       const EngineOptions& options,
                                                       uint32_t target);

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

 private:
  FilePoolStore(Random& random, DataDirectory& directory, const EngineOptions& options,
                uint32_t target)
      : random_(random), directory_(directory), options_(options), target_(target) {}
  // A share beside its place.
  Task<Result<std::unique_ptr<StoredPool>>> createFresh(std::filesystem::path fresh, Uuid pool,
                                                        PoolSizes sizes);
  Task<Result<std::unique_ptr<StoredPool>>> createAt(std::filesystem::path place, Uuid pool,
                                                     PoolSizes sizes);
  // The steps of resize: label and file of the data area; and the store's own view of it.
  Task<Status> relabelData(const std::filesystem::path& file, uint64_t dataBytes);
  Task<Result<uint64_t>> adoptDataSize(Uuid pool, uint64_t dataBytes);
  Task<Result<std::unique_ptr<StoredPool>>> createLog(std::filesystem::path place, Uuid pool,
                                                      PoolSizes sizes);
  Task<Result<std::unique_ptr<StoredPool>>> openLog(std::filesystem::path place, Uuid pool);
  // Of the files that are there.
  Result<vos::LogStore::Devices> openDevices(const std::filesystem::path& place, Uuid pool);
  vos::LogStoreContext logContext();
  Task<Result<std::unique_ptr<StoredPool>>> createPmem(std::filesystem::path place, Uuid pool,
                                                       PoolSizes sizes);
  Task<Result<std::unique_ptr<StoredPool>>> openPmem(std::filesystem::path place, Uuid pool);

  Random& random_;
  DataDirectory& directory_;
  const EngineOptions& options_;
  const uint32_t target_;
  // Null: the kernel has none; only pools all in pmem are served.
  std::unique_ptr<bio::IoRing> ring_;
  std::unique_ptr<bio::DmaPool> buffers_;
};

}  // namespace daos::engine
