// The checksum runs of a fetch's answer, from the checksums that were stored with the data.
//
// A chunk that is answered whole keeps the checksum its writer made. Of a chunk that is answered in
// part, the whole is verified here and a checksum of the part is made.
#pragma once

#include <vector>

#include "codec/checksum.h"
#include "protocol/io.h"
#include "vos/requests.h"

namespace daos::engine {

class ChecksumRuns {
 public:
  // Forgets the runs of the answer before.
  void clear() { body_.clear(); }
  struct Added {
    uint32_t count = 0;
    uint32_t size = 0;
  };
  // Appends the runs of one value's segments; none when no segment has checksums. DER_CSUM when a
  // chunk that is answered in part is damaged.
  Result<Added> add(std::span<const vos::Segment> segments);
  Bytes body() const { return body_; }

 private:
  Status addSegment(const vos::Segment& segment, uint32_t& count);
  Status addPart(const vos::Segment& segment, ChecksumType type, uint64_t chunkAt, uint64_t from,
                 uint64_t to, uint32_t& count);
  void put(const protocol::ChecksumRun& run, Bytes values, uint32_t& count);

  std::vector<std::byte> body_;
};

}  // namespace daos::engine
