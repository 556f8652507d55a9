// Data that aggregation brings to new blocks of Media: small data that leaves the arena, and
// extents that become one.
//
// Life:
// 1. A step of the aggregation makes it: it names the data, and has room for it on Media.
// 2. carryOut(), which may take its time: brings in what lies on Media already, verifies all, and
//    writes the whole.
// 3. The next step meets the same data and takes the new blocks into use, in the transaction that
//    drops the old data. Dropped before, it gives its blocks back.
//
// Invariant: what it copies stays where it is meanwhile: it holds a pin.
// Invariant: nothing is written that does not match its checksums.
#pragma once

#include <memory>
#include <vector>

#include "vos/data_part.h"

namespace daos::vos {

class Migration {
 public:
  // What the data will be: a single value of an akey without an extent.
  struct Target {
    Offset akey = 0;
    Extent extent{};
    Stamp stamp{};
    bool operator==(const Target&) const = default;
  };
  enum class State : uint8_t {
    kBegun,
    kWritten,
    kDamaged,  // some of it can't be read, or does not match its checksums
  };

  // The parts one behind the other, all with checksums of the same form. DER_NOSPACE, DER_NOMEM.
  static Result<std::shared_ptr<Migration>> begin(ContainerState& container, const Target& target,
                                                  std::vector<DataPart> parts);
  ~Migration() { arena_.unpin(pin_); }
  Migration(const Migration&) = delete;
  Migration& operator=(const Migration&) = delete;

  // Once. What can't be read or is damaged is no error but a state. DER_IO: the device has failed.
  Task<Status> carryOut();

  const Target& target() const { return target_; }
  State state() const { return state_; }
  // Of kWritten: what a version is made of, once WriteScope::useMedia has the piece.
  NewData data() const;
  MediaPiece& piece() { return piece_; }

 private:
  Migration(ContainerState& container, const Target& target, std::vector<DataPart> parts,
            MediaPiece piece);
  // One for each part; empty where that lies in memory.
  using Buffers = std::vector<bio::DmaBuffer>;
  Task<Status> readParts(Buffers& buffers);
  // False when something is damaged.
  Task<bool> copyParts(const Buffers& buffers);
  Task<bool> verify(const DataPart& part, Bytes cover);
  Task<void> worked(uint64_t size);
  Bytes coverOf(const DataPart& part, const bio::DmaBuffer& buffer) const;

  Arena& arena_;
  MediaArea& area_;
  const Heap::Pin pin_;
  const Target target_;
  const std::vector<DataPart> parts_;
  uint64_t size_ = 0;
  Checksums form_;  // but for their bytes
  std::vector<std::byte> sums_;
  MediaPiece piece_;
  State state_ = State::kBegun;
  // Bytes verified or copied between two turns of the loop: some tens of microseconds, with the
  // slowest checksum.
  static constexpr uint64_t kTurnSize = 32 * 1024;
  uint64_t untilPause_ = kTurnSize;
};

// Of one aggregation.
struct MigrationState {
  // Made by a step; whoever carries it out may keep it longer than the walk lasts.
  std::shared_ptr<Migration> pending;
  // Nobody writes, or Media is full: the rest stays where it is.
  bool isRefused = false;

  // What has become of the migration to `target`; null when there is none. One that was begun for
  // something else, or not carried out, is a refusal.
  std::shared_ptr<Migration> take(const Migration::Target& target);
  // False when it is refused.
  bool begin(ContainerState& container, const Migration::Target& target,
             std::vector<DataPart> parts);
};

}  // namespace daos::vos
