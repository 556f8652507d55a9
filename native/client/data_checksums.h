// End-to-end checksums: made over a caller's data before it leaves, checked over what comes back.
#pragma once

#include <span>
#include <vector>

#include "client/container.h"
#include "protocol/io.h"

namespace daos::client {

// How often data is moved again that was damaged on its way, before the call fails with DER_CSUM.
inline constexpr int kDamageRepeats = 3;

// The checksums of an update's data, in the form that encode() takes.
class UpdateChecksums {
 public:
  // `data` is what the akeys describe, in order, in any pieces.
  UpdateChecksums(ChecksumOptions options, std::span<const IoDescriptor> akeys,
                  std::span<const Bytes> data);
  // One for each akey; empty when the type is kNone.
  std::span<const protocol::AkeyChecksums> akeys() const { return akeys_; }

 private:
  std::vector<std::byte> values_;
  std::vector<protocol::AkeyChecksums> akeys_;
};

// Checks the bytes of one akey against the checksum runs of the answer. `found`: where these bytes
// lie in the caller's buffers, in order. DER_CSUM, or DER_PROTO when the runs don't cover them.
Status verifyRuns(protocol::WireReader& reader, uint32_t runCount,
                  std::span<const MutableBytes> found);

}  // namespace daos::client
