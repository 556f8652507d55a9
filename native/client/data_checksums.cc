#include "client/data_checksums.h"

#include <algorithm>

namespace daos::client {

namespace {

// Walks over data in pieces, chunk by chunk.
template <typename Piece>
class PieceReader {
 public:
  explicit PieceReader(std::span<const Piece> pieces) : pieces_(pieces) {}

  // Feeds the next `size` bytes to `checksum`; false when there are fewer.
  bool feed(Checksum& checksum, uint64_t size) {
    while (size > 0) {
      if (pieces_.empty()) return false;
      const Bytes rest = Bytes(pieces_.front()).subspan(offset_);
      const Bytes taken = rest.first(std::min<uint64_t>(size, rest.size()));
      checksum.update(taken);
      advance(taken.size());
      size -= taken.size();
    }
    return true;
  }
  bool skip(uint64_t size) {
    while (size > 0) {
      if (pieces_.empty()) return false;
      const uint64_t taken = std::min<uint64_t>(size, pieces_.front().size() - offset_);
      advance(taken);
      size -= taken;
    }
    return true;
  }
  bool atEnd() const { return pieces_.empty(); }

 private:
  void advance(uint64_t size) {
    offset_ += size;
    if (offset_ < pieces_.front().size()) return;
    offset_ = 0;
    pieces_ = pieces_.subspan(1);
  }
  std::span<const Piece> pieces_;
  uint64_t offset_ = 0;
};

// A chunk is a whole number of records.
uint32_t chunkSizeOf(const IoDescriptor& akey, uint32_t wanted) {
  if (akey.type == ValueType::kSingle) return wanted;
  const uint64_t records = std::max<uint64_t>(1, wanted / akey.recordSize);
  return static_cast<uint32_t>(records * akey.recordSize);
}

// Sizes of the parts of an akey's data that are cut into chunks on their own.
std::vector<uint64_t> partsOf(const IoDescriptor& akey) {
  if (akey.type == ValueType::kSingle) return {akey.recordSize};
  std::vector<uint64_t> parts;
  for (const Extent& extent : akey.extents) parts.push_back(extent.count * akey.recordSize);
  return parts;
}

}  // namespace

UpdateChecksums::UpdateChecksums(ChecksumOptions options, std::span<const IoDescriptor> akeys,
                                 std::span<const Bytes> data) {
  if (options.type == ChecksumType::kNone) return;
  std::vector<std::pair<size_t, uint32_t>>
      places;  // end of each akey's checksums, and its chunk size
  Checksum checksum(options.type);
  PieceReader<Bytes> reader(data);
  const size_t size = checksumSize(options.type);
  for (const IoDescriptor& akey : akeys) {
    const uint32_t chunkSize = akey.recordSize ? chunkSizeOf(akey, options.chunkSize) : 0;
    for (uint64_t rest : akey.recordSize ? partsOf(akey) : std::vector<uint64_t>{}) {
      while (rest > 0) {
        const uint64_t chunk = std::min<uint64_t>(rest, chunkSize);
        DAOS_ASSERT(reader.feed(checksum, chunk));
        values_.resize(values_.size() + size);
        checksum.finish(MutableBytes(values_).last(size));
        rest -= chunk;
      }
    }
    places.push_back({values_.size(), chunkSize});
  }
  size_t begin = 0;
  for (const auto& [end, chunkSize] : places) {
    const auto type = begin == end ? ChecksumType::kNone : options.type;
    akeys_.push_back({.type = static_cast<uint8_t>(type),
                      .chunkSize = chunkSize,
                      .values = Bytes(values_).subspan(begin, end - begin)});
    begin = end;
  }
}

static Error malformed() { return Error(ErrorCode::kProto, "malformed checksums of a fetch"); }

static Status verifyRun(PieceReader<MutableBytes>& found, const protocol::ChecksumRun& run,
                        ChecksumType type, Bytes values) {
  Checksum checksum(type);
  const size_t size = checksumSize(type);
  for (uint64_t rest = run.size; rest > 0;) {
    const uint64_t chunk = std::min<uint64_t>(rest, run.chunkSize);
    std::byte computed[kChecksumSizeMax];
    if (!found.feed(checksum, chunk)) return malformed();
    checksum.finish(computed);
    if (std::memcmp(computed, values.data(), size) != 0) {
      return Error(ErrorCode::kCsum, "the data that came back is not what was written");
    }
    values = values.subspan(size);
    rest -= chunk;
  }
  return {};
}

Status verifyRuns(protocol::WireReader& reader, uint32_t runCount,
                  std::span<const MutableBytes> found) {
  PieceReader<MutableBytes> pieces(found);
  for (uint32_t i = 0; i < runCount; ++i) {
    const auto run = reader.get<protocol::ChecksumRun>();
    if (!reader.ok() || run.type > UINT8_MAX) return malformed();
    DAOS_TRY(const ChecksumType type, checksumTypeFrom(static_cast<uint8_t>(run.type)));
    if (type == ChecksumType::kNone) {
      if (!pieces.skip(run.size)) return malformed();
      continue;
    }
    if (run.chunkSize == 0) return malformed();
    const uint64_t chunkCount = run.size / run.chunkSize + (run.size % run.chunkSize != 0);
    const Bytes values = reader.getPadded(chunkCount * checksumSize(type));
    if (!reader.ok()) return malformed();
    DAOS_CHECK(verifyRun(pieces, run, type, values));
  }
  return pieces.atEnd() ? Status{} : malformed();
}

}  // namespace daos::client
