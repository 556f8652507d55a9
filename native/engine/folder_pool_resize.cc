// Another size of the data area of a closed share.
//
//   larger:  1. its device grows, 2. its label says so, 3. the store takes the new blocks in.
//   smaller: 1. the store gives the blocks up, 2. the label says so, 3. the device is cut.
//
// Invariant: the store counts no more blocks than the label says, and the label no more than the
//            device has. So a share that was left between two steps opens, with one of the two
//            sizes, and the same again, or the way back, can be done from there.
#include "engine/folder_pool_store.h"

namespace daos::engine {

static constexpr uint64_t kMebibyte = 1 << 20;

Task<Status> FolderPoolStore::relabelData(ShareFolder share, ShareStorage& storage,
                                          uint64_t dataBytes) {
  DAOS_CO_TRY(auto media, storage.openData(share));
  co_return co_await bio::StoreDevices::resizeRole(*media, *buffers_, bio::MediaRole::kData,
                                                   dataBytes);
}

// Returns the size before. With 0: no change.
Task<Result<uint64_t>> FolderPoolStore::adoptDataSize(Uuid pool, uint64_t dataBytes) {
  DAOS_CO_TRY(auto stored, co_await open(pool));
  const uint64_t before = stored->vos().mediaSizeBytes();
  Status status;
  if (dataBytes != 0) {
    auto ticket = stored->vos().resizeMedia(dataBytes);
    if (ticket.ok()) {
      status = co_await stored->vos().arena().waitDurable(*ticket);
    } else {
      status = std::move(ticket).error();
    }
  }
  Status closed = co_await stored->close();
  DAOS_CO_CHECK(std::move(status));
  DAOS_CO_CHECK(std::move(closed));
  co_return before;
}

Task<Status> FolderPoolStore::resize(Uuid pool, uint64_t dataBytes) {
  DAOS_CO_TRY(const ShareFolder share, find(pool));
  DAOS_CO_TRY(ShareStorage* const storage, storageOf(share));
  const uint64_t wanted = alignUp(dataBytes, kMebibyte);
  if (!storage->hasData(share) || wanted == 0) {
    co_return invalid("a pool keeps the tiers that it was made with: it has data, or none");
  }
  DAOS_CO_TRY(const uint64_t before, co_await adoptDataSize(pool, 0));
  // With the size that it has, what was left between two steps is finished.
  if (wanted <= before) {
    DAOS_CO_TRY([[maybe_unused]] const uint64_t same, co_await adoptDataSize(pool, wanted));
    DAOS_CO_CHECK(co_await relabelData(share, *storage, wanted));
    co_return co_await storage->resizeData(share, wanted);
  }
  DAOS_CO_CHECK(storage->checkGrowth(wanted - before));
  DAOS_CO_CHECK(co_await storage->resizeData(share, wanted));
  DAOS_CO_CHECK(co_await relabelData(share, *storage, wanted));
  const auto adopted = co_await adoptDataSize(pool, wanted);
  if (adopted.ok()) co_return Status{};
  // The arena has no room for the larger bitmap: back to what was.
  DAOS_CO_CHECK(co_await relabelData(share, *storage, before));
  DAOS_CO_CHECK(co_await storage->resizeData(share, before));
  co_return adopted.error();
}

}  // namespace daos::engine
