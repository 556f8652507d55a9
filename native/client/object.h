// An open object, and the operations on it: the heart of the client's API.
//
// Opening is local. All ranges in arguments are borrowed until the operation's task has ended.
//
// Errors of every operation: what VOS answers (DER_EXIST, DER_NONEXIST, DER_NOSPACE, DER_TX_RESTART
// …), DER_NO_PERM for a write through a read-only container, DER_BAD_TARGET when the target is
// excluded from the pool, DER_UNREACH when it stays gone, and DER_TIMEDOUT (after these two a
// modification may or may not have run).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/trace_context.h"
#include "client/cancellation.h"
#include "client/container.h"
#include "model/io.h"
#include "placement/layout.h"
#include "protocol/keys.h"
#include "runtime/task.h"

namespace daos::client {

class Object {
 public:
  // DER_INVAL or DER_NOSYS for an object class that the pool can't lay out.
  static Result<std::shared_ptr<Object>> open(std::shared_ptr<Container> container, ObjectId oid);

  Container& container() const { return *container_; }
  Context& context() const { return container_->context(); }
  ObjectId oid() const { return oid_; }
  // Of the current pool map. Positions of targets in it.
  Result<const placement::Layout*> layout();
  Result<uint32_t> targetOf(Bytes dkey);

 private:
  Object(std::shared_ptr<Container> container, ObjectId oid)
      : container_(std::move(container)), oid_(oid) {}
  const std::shared_ptr<Container> container_;
  const ObjectId oid_;
  placement::Layout layout_;
  uint32_t layoutVersion_ = 0;
  bool hasLayout_ = false;
};

inline FrameCache& frameCacheOf(Object& object) { return object.context().frames(); }

struct UpdateArguments {
  Bytes dkey;
  std::span<const IoDescriptor> akeys;
  // The data of all akeys and extents in order, cut into pieces wherever the caller likes.
  std::span<const Bytes> data;
  Conditions conditions = 0;
  Epoch epoch = 0;         // 0: the target chooses
  uint64_t timeoutNs = 0;  // 0: the context's
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: nobody traces it
};
// Answers the epoch of the update. DER_IO_INVAL when data and descriptors disagree in size.
Task<Result<Epoch>> update(Object& object, const UpdateArguments& arguments);

// What a fetch found for one akey.
struct AkeyResult {
  uint64_t recordSize = 0;     // of the value or the records; 0: there is nothing
  uint64_t dataSize = 0;       // bytes found
  bool isWhole = false;        // no part of what was asked for is a hole
  std::vector<Extent> mapped;  // arrays that are not whole: what is there
};

struct FetchArguments {
  Bytes dkey;
  // Single values: recordSize is the room for the value. Arrays: the record size.
  std::span<const IoDescriptor> akeys;
  // Room for all akeys and extents in order, cut into pieces wherever the caller likes; empty:
  // sizes only. Where there is a hole, the buffer is left untouched.
  std::span<const MutableBytes> buffers;
  std::span<AkeyResult> results;  // one for each akey
  Conditions conditions = 0;
  Epoch epoch = 0;  // 0: the newest
  uint64_t timeoutNs = 0;
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: nobody traces it
};
// Answers the epoch that was read. DER_REC2BIG when a single value is larger than its room (its
// size is in results), DER_REC_SIZE for another record size than the array's.
Task<Result<Epoch>> fetch(Object& object, const FetchArguments& arguments);

struct PunchArguments {
  protocol::PunchLevel level = protocol::PunchLevel::kObject;
  Bytes dkey;                    // kDkey, kAkeys
  std::span<const Bytes> akeys;  // kAkeys
  Conditions conditions = 0;
  Epoch epoch = 0;
  uint64_t timeoutNs = 0;
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: nobody traces it
};
Task<Result<Epoch>> punch(Object& object, const PunchArguments& arguments);

// Where an enumeration goes on: plain bytes, valid in any process.
struct EnumerationAnchor {
  protocol::Anchor target;  // the current target's
  uint32_t group = 0;
  uint32_t isEnd = 0;
};

struct EnumerateArguments {
  protocol::EnumerateLevel level =
      protocol::EnumerateLevel::kDkeys;  // not kObjects: see listObjects
  Bytes dkey;                            // kAkeys, kExtents
  Bytes akey;                            // kExtents
  uint32_t countMax = 1024;
  uint32_t sizeMax = 65536;
  Epoch epoch = 0;
  // Unless empty: only objects and keys that may not be the same before and after these epochs. An
  // answer may then be empty before the end.
  protocol::ChangedEpochs changed;
  uint64_t timeoutNs = 0;
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: nobody traces it
};

// One answer: some entries, possibly none before the end.
struct EnumerationPage {
  std::vector<std::string> keys;               // dkeys, akeys
  std::vector<protocol::ExtentEntry> extents;  // kExtents
  std::vector<ObjectId> objects;               // listObjects
};
// Goes on at `anchor` and moves it. DER_KEY2BIG when the next key alone is larger than sizeMax.
Task<Result<EnumerationPage>> enumerate(Object& object, const EnumerateArguments& arguments,
                                        EnumerationAnchor& anchor);
// The objects of a container, over all its targets.
Task<Result<EnumerationPage>> listObjects(Container& container, const EnumerateArguments& arguments,
                                          EnumerationAnchor& anchor);

struct QueryArguments {
  uint32_t flags = 0;  // protocol::QueryFlag: one of max, min; what is asked for
  Bytes dkey;          // unless it is asked for
  Bytes akey;
  Epoch epoch = 0;
  uint64_t timeoutNs = 0;
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: nobody traces it
};
// The first or last integer dkey, akey, extent that exists. DER_NONEXIST when there is none.
Task<Result<protocol::QueryReply>> query(Object& object, const QueryArguments& arguments);

}  // namespace daos::client
