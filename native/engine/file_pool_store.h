// Pools in files under an engine's data directory.
#pragma once

#include "engine/data_directory.h"
#include "engine/engine.h"
#include "engine/pool_store.h"

namespace daos::engine {

class FilePoolStore final : public PoolStore {
 public:
  // All are borrowed.
  FilePoolStore(Reactor& reactor, DataDirectory& directory, const EngineOptions& options,
                uint32_t target)
      : reactor_(reactor), directory_(directory), options_(options), target_(target) {}

  Task<Result<std::unique_ptr<StoredPool>>> create(Uuid pool, PoolSizes sizes) override;
  Task<Result<std::unique_ptr<StoredPool>>> open(Uuid pool) override;
  Task<Status> destroy(Uuid pool) override;
  Result<std::vector<Uuid>> list() override { return directory_.pools(target_); }

 private:
  Reactor& reactor_;
  DataDirectory& directory_;
  const EngineOptions& options_;
  const uint32_t target_;
};

}  // namespace daos::engine
