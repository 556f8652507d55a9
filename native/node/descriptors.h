// The akeys of an update or fetch, as packages/native/src/descriptors.ts writes them:
//   u32 count, per akey: u8 type, u32 conditions, u64 recordSize, bytes akey, u32 extentCount,
//   per extent: u64 index, u64 count
#pragma once

#include <vector>

#include "model/io.h"
#include "node/command.h"

namespace daos::node {

// Borrows keys from the command.
class Descriptors {
 public:
  // DER_INVAL for a command that is cut short; values are checked by whoever uses them.
  static Result<Descriptors> read(CommandReader& reader) {
    Descriptors descriptors;
    const uint32_t count = reader.u32();
    std::vector<size_t> extentCounts;
    for (uint32_t i = 0; i < count && reader.status().ok(); ++i)
      descriptors.readOne(reader, extentCounts);
    DAOS_CHECK(reader.status());
    std::span<const Extent> rest(descriptors.extents_);
    for (size_t i = 0; i < extentCounts.size(); ++i) {
      descriptors.akeys_[i].extents = rest.first(extentCounts[i]);
      rest = rest.subspan(extentCounts[i]);
    }
    return descriptors;
  }
  std::span<const IoDescriptor> akeys() const { return akeys_; }

 private:
  void readOne(CommandReader& reader, std::vector<size_t>& extentCounts) {
    IoDescriptor akey;
    akey.type = static_cast<ValueType>(reader.u8());
    akey.conditions = reader.u32();
    akey.recordSize = reader.u64();
    akey.akey = reader.bytes();
    const uint32_t extentCount = reader.u32();
    for (uint32_t i = 0; i < extentCount && reader.remaining() > 0; ++i) {
      const uint64_t index = reader.u64();
      extents_.push_back({index, reader.u64()});
    }
    extentCounts.push_back(extentCount <= extents_.size() ? extentCount : 0);
    akeys_.push_back(akey);
  }

  std::vector<IoDescriptor> akeys_;
  std::vector<Extent> extents_;
};

}  // namespace daos::node
