#include "vos/ops/check_request.h"

#include <algorithm>

#include "base/generated/limits.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// One call cannot demand that something is there and that it is not.
Status checkConditions(Conditions conditions) {
  constexpr Conditions kDkeyThere = kDkeyUpdate | kDkeyFetch | kDkeyPunch;
  constexpr Conditions kAkeyThere = kAkeyUpdate | kAkeyFetch | kAkeyPunch;
  if ((conditions & kDkeyInsert) != 0 && (conditions & kDkeyThere) != 0) {
    return invalid("conditions want the dkey to exist and not to exist");
  }
  if ((conditions & kAkeyInsert) != 0 && (conditions & kAkeyThere) != 0) {
    return invalid("conditions want an akey to exist and not to exist");
  }
  return {};
}

Status checkWrite(const ContainerState& container, const WriteContext& write) {
  DAOS_CHECK(checkConditions(write.conditions));
  if (write.epoch == 0 || write.epoch == kEpochMax)
    return invalid("epoch 0 and the last are no epochs to write at");
  if (write.epoch <= container.record().aggregatedEpoch) {
    return Error(ErrorCode::kEpOld, "epoch " + std::to_string(write.epoch) +
                                        " is not after the last aggregation, at " +
                                        std::to_string(container.record().aggregatedEpoch));
  }
  const std::span<const Epoch> pinned = container.snapshots();
  if (!pinned.empty() && write.epoch <= pinned.back()) {
    return Error(ErrorCode::kEpOld, "epoch " + std::to_string(write.epoch) +
                                        " is not after the newest snapshot, at " +
                                        std::to_string(pinned.back()));
  }
  return {};
}

Status checkDescriptors(std::span<const IoDescriptor> descriptors, KeyType akeyType) {
  if (descriptors.empty()) return invalid("a request names no akey");
  if (descriptors.size() > kAkeyCountMax) {
    return Error(ErrorCode::kOverflow, std::to_string(descriptors.size()) +
                                           " akeys are over the limit of " +
                                           std::to_string(kAkeyCountMax));
  }
  size_t extents = 0;
  for (const IoDescriptor& descriptor : descriptors) {
    DAOS_CHECK(validate(descriptor, akeyType));
    DAOS_CHECK(checkConditions(descriptor.conditions));
    extents += descriptor.extents.size();
  }
  if (extents > kExtentCountMax) {
    return Error(ErrorCode::kOverflow, std::to_string(extents) + " extents are over the limit of " +
                                           std::to_string(kExtentCountMax));
  }
  return {};
}

// Checksums must fit the data: their number follows from its size.
Status checkChecksums(const IoDescriptor& descriptor, const Checksums& checksums) {
  if (checksums.type == 0) return {};
  if (checksums.type > 255 || checksums.checksumSize == 0 || checksums.checksumSize > 255 ||
      checksums.chunkSize == 0) {
    return invalid("checksums of an unknown form");
  }
  uint64_t chunks = 0;
  if (descriptor.type == ValueType::kSingle) {
    chunks = chunkCount(descriptor.recordSize, checksums.chunkSize);
  } else if (descriptor.recordSize > checksums.chunkSize ||
             (descriptor.recordSize != 0 && checksums.chunkSize % descriptor.recordSize != 0)) {
    return invalid("a checksum chunk is not a whole number of records");
  } else {
    for (const Extent& extent : descriptor.extents) {
      chunks += chunkCount(extent.count * descriptor.recordSize, checksums.chunkSize);
    }
  }
  if (checksums.bytes.size() != chunks * checksums.checksumSize) {
    return invalid(std::to_string(checksums.bytes.size()) + " bytes of checksums for " +
                   std::to_string(chunks) + " chunks");
  }
  return {};
}

}  // namespace

Status checkUpdate(const ContainerState& container, const UpdateRequest& request) {
  DAOS_CHECK(checkWrite(container, request.write));
  DAOS_CHECK(request.oid.validate());
  DAOS_CHECK(validateKey(request.dkey, request.oid.dkeyType(), "dkey"));
  DAOS_CHECK(checkDescriptors(request.descriptors, request.oid.akeyType()));
  if (request.checksums.empty()) return {};
  if (request.checksums.size() != request.descriptors.size()) {
    return invalid("checksums must be given for all akeys or for none");
  }
  for (size_t i = 0; i < request.descriptors.size(); ++i) {
    DAOS_CHECK(checkChecksums(request.descriptors[i], request.checksums[i]));
  }
  return {};
}

Status checkPunch(const ContainerState& container, const PunchRequest& request) {
  DAOS_CHECK(checkWrite(container, request.write));
  DAOS_CHECK(request.oid.validate());
  if (request.dkey.empty()) {
    return request.akeys.empty() ? Status{}
                                 : invalid("akeys to punch are given without their dkey");
  }
  DAOS_CHECK(validateKey(request.dkey, request.oid.dkeyType(), "dkey"));
  if (request.akeys.size() > kAkeyCountMax) {
    return Error(ErrorCode::kOverflow, "more than " + std::to_string(kAkeyCountMax) + " akeys");
  }
  for (const Bytes akey : request.akeys) {
    DAOS_CHECK(validateKey(akey, request.oid.akeyType(), "akey"));
  }
  return {};
}

Status checkReadEpoch(const ContainerState& container, Epoch epoch) {
  if (epoch == 0) return invalid("epoch 0 is no epoch to read at");
  if (epoch < container.record().aggregatedEpoch &&
      !std::ranges::binary_search(container.snapshots(), epoch)) {
    return Error(ErrorCode::kEpOld, "epoch " + std::to_string(epoch) +
                                        " is before the last aggregation, at " +
                                        std::to_string(container.record().aggregatedEpoch));
  }
  return {};
}

Status checkFetch(const ContainerState& container, const FetchRequest& request) {
  DAOS_CHECK(checkConditions(request.read.conditions));
  DAOS_CHECK(checkReadEpoch(container, request.read.epoch));
  DAOS_CHECK(request.oid.validate());
  DAOS_CHECK(validateKey(request.dkey, request.oid.dkeyType(), "dkey"));
  return checkDescriptors(request.descriptors, request.oid.akeyType());
}

}  // namespace daos::vos
