#include "bio/region.h"

#include <algorithm>
#include <cstring>

namespace daos::bio {
namespace {

// Of a volume, cleared before it is one: the labels of a store, and what its roles begin with.
constexpr uint64_t kHeadBytes = kGranuleBytes + 16 * kMediaBlockSize;

// Discarded at once: some devices take long.
constexpr uint32_t kDiscardGranules = 256;
constexpr uint64_t kDiscardPauseNs = 300'000;

// Of `from` what does not lie in `what`; both ascending, apart from each other.
std::vector<VolumeExtent> without(const std::vector<VolumeExtent>& from,
                                  const std::vector<VolumeExtent>& what) {
  std::vector<VolumeExtent> rest;
  size_t at = 0;
  for (const VolumeExtent& extent : from) {
    uint32_t begin = extent.granule;
    while (at < what.size() && what[at].end() <= begin) ++at;
    for (size_t i = at; i < what.size() && what[i].granule < extent.end(); ++i) {
      if (what[i].granule > begin) rest.push_back({begin, what[i].granule - begin});
      begin = what[i].end();
    }
    if (begin < extent.end()) rest.push_back({begin, extent.end() - begin});
  }
  return rest;
}

uint64_t copyOffset(const RegionPlace& place, uint64_t sequence) {
  return place.offset + sequence % 2 * kVolumeTableBytesMax;
}

Task<Status> writeZeros(Media& device, DmaPool& pool, uint64_t offset, uint64_t sizeBytes) {
  DAOS_CO_TRY(const DmaBuffer zeros, pool.allocate(std::min(sizeBytes, kGranuleBytes)));
  std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
  for (uint64_t done = 0; done < sizeBytes;) {
    const uint64_t piece = std::min<uint64_t>(zeros.size(), sizeBytes - done);
    DAOS_CO_CHECK(co_await device.write(offset + done, zeros.bytes().first(piece)));
    done += piece;
  }
  co_return co_await device.flush();
}

Task<Status> writeTable(Media& device, DmaPool& pool, const RegionPlace& place,
                        const VolumeTable& table) {
  const std::vector<std::byte> bytes = table.encode();
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(bytes.size()));
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  co_return co_await device.writeDurable(copyOffset(place, table.sequence()),
                                         buffer.bytes().first(bytes.size()));
}

}  // namespace

Task<Status> Region::format(Media& device, DmaPool& pool, RegionPlace place) {
  DAOS_CO_CHECK(co_await writeZeros(device, pool, place.offset, kGranuleBytes));
  VolumeTable table(place.identity);
  table.setSequence(1);
  co_return co_await writeTable(device, pool, place, table);
}

Task<Result<std::unique_ptr<Region>>> Region::open(VolumeDevice& device, DmaPool& pool,
                                                   RegionPlace place, const Log& log) {
  std::unique_ptr<Region> region(new Region(device, pool, place));
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(kGranuleBytes));
  DAOS_CO_CHECK(co_await device.media().read(place.offset, buffer.bytes()));
  const Bytes copies = buffer.bytes();
  auto first = VolumeTable::decode(copies.first(kVolumeTableBytesMax), place.identity);
  auto second = VolumeTable::decode(copies.subspan(kVolumeTableBytesMax), place.identity);
  const std::string name = device.media().name() + ": the region of target " +
                           std::to_string(place.identity.targetIndex);
  if (!first.ok() && !second.ok()) {
    const bool isNewer = first.code() == ErrorCode::kDfIncompt;
    co_return std::move(isNewer ? first : second).error().within(name);
  }
  const bool isFirst = first.ok() && (!second.ok() || first->sequence() > second->sequence());
  region->table_ = std::move(isFirst ? first : second).value();
  // The copy before is missing after a torn write, which is no news, and where none was written.
  if (region->table_.sequence() > 1 && (!first.ok() || !second.ok())) {
    DAOS_LOG_INFO(log, name + ": one of the two tables of volumes is not whole");
  }
  co_return region;
}

std::vector<MediaExtent> Region::extentsOf(const Volume& volume) const {
  std::vector<MediaExtent> all;
  for (const VolumeExtent& extent : volume.extents) {
    all.push_back({place_.offset + extent.granule * kGranuleBytes,
                   extent.granuleCount * kGranuleBytes});
  }
  return all;
}

std::unique_ptr<Media> Region::openVolume(const Volume& volume, std::string name) {
  return std::make_unique<VolumeMedia>(device_, std::move(name), extentsOf(volume));
}

Task<void> Region::enter() {
  ++userCount_;
  while (isChanging_) co_await device_.media().reactor().sleep(100'000);
  isChanging_ = true;
}

Task<Status> Region::commit(VolumeTable table) {
  table.setSequence(table_.sequence() + 1);
  DAOS_CO_CHECK(co_await writeTable(device_.media(), pool_, place_, table));
  const std::vector<VolumeExtent> freeBefore = table_.freeExtents();
  table_ = std::move(table);
  if (!onFreed_) co_return Status{};
  const auto freed = without(table_.freeExtents(), freeBefore);
  freed_.insert(freed_.end(), freed.begin(), freed.end());
  if (!freed.empty()) onFreed_();
  co_return Status{};
}

Status Region::reserve(const Volume& volume) {
  for (const MediaExtent& extent : extentsOf(volume)) {
    DAOS_CHECK(device_.media().reserve(extent.offset, extent.sizeBytes));
  }
  return {};
}

// A log is written in full where a first write costs more: each of its writes is waited for.
Task<Status> Region::clearHead(const Volume& volume) {
  const bool isCostly = volume.role == MediaRole::kWal && device_.media().hasReservedBlocks();
  uint64_t left = isCostly ? volume.sizeBytes() : std::min(kHeadBytes, volume.sizeBytes());
  for (const MediaExtent& extent : extentsOf(volume)) {
    if (left == 0) break;
    const uint64_t piece = std::min(left, extent.sizeBytes);
    DAOS_CO_CHECK(co_await writeZeros(device_.media(), pool_, extent.offset, piece));
    left -= piece;
  }
  co_return Status{};
}

Task<Status> Region::add(Uuid share, std::vector<VolumeWish> wishes, Uuid insteadOf) {
  co_await enter();
  Status status = co_await addNow(share, std::move(wishes), insteadOf);
  leave();
  co_return status;
}

Status Region::checkRoom(const Uuid& share, const std::vector<VolumeWish>& wishes,
                         const Uuid& insteadOf) const {
  DAOS_TRY([[maybe_unused]] const VolumeTable table, withVolumes(share, wishes, insteadOf));
  return {};
}

Result<VolumeTable> Region::withVolumes(const Uuid& share, const std::vector<VolumeWish>& wishes,
                                        const Uuid& insteadOf) const {
  VolumeTable table = table_;
  if (!insteadOf.isNil()) table.remove(insteadOf);
  for (const VolumeWish& wish : wishes) {
    Status added = table.add(share, wish.role, wish.sizeBytes);
    if (added.ok()) continue;
    return std::move(added).error().within(device_.media().name() + ": no volume for " +
                                           roleName(wish.role));
  }
  return table;
}

Task<Status> Region::addNow(Uuid share, std::vector<VolumeWish> wishes, Uuid insteadOf) {
  DAOS_CO_TRY(VolumeTable table, withVolumes(share, wishes, insteadOf));
  for (const VolumeWish& wish : wishes) DAOS_CO_CHECK(reserve(*table.find(share, wish.role)));
  for (const VolumeWish& wish : wishes) {
    DAOS_CO_CHECK(co_await clearHead(*table.find(share, wish.role)));
  }
  co_return co_await commit(std::move(table));
}

Task<Status> Region::resize(Uuid share, MediaRole role, uint64_t sizeBytes) {
  co_await enter();
  VolumeTable table = table_;
  Status status = table.resize(share, role, sizeBytes);
  if (status.ok()) status = reserve(*table.find(share, role));
  if (status.ok()) {
    status = co_await commit(std::move(table));
  } else {
    status = std::move(status).error().within(device_.media().name());
  }
  leave();
  co_return status;
}

Task<Status> Region::remove(Uuid share) {
  co_await enter();
  VolumeTable table = table_;
  Status status;
  if (table.remove(share)) status = co_await commit(std::move(table));
  leave();
  co_return status;
}

Task<Result<size_t>> Region::retain(std::set<Uuid> shares) {
  co_await enter();
  VolumeTable table = table_;
  std::set<Uuid> unwanted;
  for (const Volume& volume : table_.volumes()) {
    if (!shares.contains(volume.share)) unwanted.insert(volume.share);
  }
  for (const Uuid& share : unwanted) table.remove(share);
  Status status;
  if (!unwanted.empty()) status = co_await commit(std::move(table));
  leave();
  if (!status.ok()) co_return std::move(status).error();
  co_return unwanted.size();
}

// --- discarding

void Region::noteAllFreed() {
  freed_ = table_.freeExtents();
  if (onFreed_ && !freed_.empty()) onFreed_();
}

std::optional<VolumeExtent> Region::takeFreed() {
  const std::vector<VolumeExtent> free = table_.freeExtents();
  for (; !freed_.empty(); freed_.pop_back()) {
    VolumeExtent& last = freed_.back();
    for (const VolumeExtent& extent : free) {
      const uint32_t begin = std::max(extent.granule, last.granule);
      const uint32_t end = std::min({extent.end(), last.end(), begin + kDiscardGranules});
      if (begin >= end) continue;
      last = {end, last.end() - end};
      if (last.granuleCount == 0) freed_.pop_back();
      return VolumeExtent{begin, end - begin};
    }
  }
  return std::nullopt;
}

Task<Status> Region::discardFreed() {
  Status first;
  Media& media = device_.media();
  ++userCount_;
  while (!freed_.empty() && !media.isFailed()) {
    co_await enter();
    if (const auto piece = takeFreed()) {
      Status status = co_await media.discard(place_.offset + piece->granule * kGranuleBytes,
                                             piece->granuleCount * kGranuleBytes);
      if (!status.ok() && first.ok()) first = std::move(status);
    }
    leave();
    // Who waits for its turn looks for it from time to time.
    if (userCount_ > 1) co_await media.reactor().sleep(kDiscardPauseNs);
  }
  --userCount_;
  co_return first;
}

}  // namespace daos::bio
