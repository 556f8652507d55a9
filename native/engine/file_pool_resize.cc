// Another size of the data area of a closed share.
//
//   larger:  1. the file grows, 2. its label says so, 3. the store takes the new blocks in.
//   smaller: 1. the store gives the blocks up, 2. the label says so, 3. the file is cut.
//
// Invariant: the store counts no more blocks than the label says, and the label no more than the
//            file has. So a share that was left between two steps opens, with one of the two sizes,
//            and the same again, or the way back, can be done from there.
#include "bio/file_media.h"
#include "engine/file_pool_store.h"

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr uint64_t kMebibyte = 1 << 20;

Task<Status> FilePoolStore::relabelData(const fs::path& file, uint64_t dataBytes) {
  DAOS_CO_TRY(auto media, bio::openFileMedia(*ring_, file.string(), {}));
  co_return co_await bio::StoreDevices::resizeRole(*media, *buffers_, bio::MediaRole::kData,
                                                   dataBytes);
}

// Returns the size before. With 0: no change.
Task<Result<uint64_t>> FilePoolStore::adoptDataSize(Uuid pool, uint64_t dataBytes) {
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

Task<Status> FilePoolStore::resize(Uuid pool, uint64_t dataBytes) {
  const fs::path file = directory_.targetPath(pool, target_) / "data";
  const uint64_t wanted = alignUp(dataBytes, kMebibyte);
  if (!fs::exists(file) || wanted == 0) {
    co_return invalid("a pool keeps the tiers that it was made with: it has data, or none");
  }
  DAOS_CO_TRY(const uint64_t before, co_await adoptDataSize(pool, 0));
  const uint64_t free = directory_.freeBytes();
  if (wanted > before && wanted - before > free) {
    co_return Error(ErrorCode::kNospace,
                    "the data area wants " + std::to_string((wanted - before) >> 20) +
                        " MiB more; " + std::to_string(free >> 20) + " MiB are free in " +
                        options_.dataDirectory);
  }
  const uint64_t fileBytes = bio::StoreDevices::deviceSizeBytes({.dataBytes = wanted}, 1, 0);
  if (wanted < before) {
    DAOS_CO_TRY([[maybe_unused]] const uint64_t same, co_await adoptDataSize(pool, wanted));
    DAOS_CO_CHECK(co_await relabelData(file, wanted));
    co_return bio::resizeMediaFile(file.string(), fileBytes);
  }
  DAOS_CO_CHECK(bio::resizeMediaFile(file.string(), fileBytes));
  DAOS_CO_CHECK(co_await relabelData(file, wanted));
  const auto adopted = co_await adoptDataSize(pool, wanted);
  if (adopted.ok()) co_return Status{};
  // The arena has no room for the larger bitmap: back to what was.
  DAOS_CO_CHECK(co_await relabelData(file, before));
  DAOS_CO_CHECK(bio::resizeMediaFile(
      file.string(), bio::StoreDevices::deviceSizeBytes({.dataBytes = before}, 1, 0)));
  co_return adopted.error();
}

}  // namespace daos::engine
