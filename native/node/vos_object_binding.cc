#include "node/vos_object_binding.h"

#include <algorithm>

#include "node/descriptors.h"
#include "node/fetch_answer.h"
#include "node/vos_core.h"

namespace daos::node {

namespace {

// What every operation begins with: oid, epoch (0: now, or the newest), conditions, and whether it
// is a transaction's, with its id then.
struct Head {
  ObjectId oid;
  Epoch epoch;
  Conditions conditions;
  vos::TransactionId transaction{};
};

Head readHead(CommandReader& reader) {
  Head head;
  head.oid = reader.objectId();
  head.epoch = reader.u64();
  head.conditions = reader.u32();
  if (reader.boolean()) head.transaction = reader.uuid();
  return head;
}

vos::WriteContext writeOf(const Head& head, Epoch epoch) {
  return {.epoch = epoch, .transaction = head.transaction, .conditions = head.conditions};
}

// What a transaction reads is remembered, so that nobody writes below it later. Others do not see
// what is in doubt.
vos::ReadContext readOf(const Head& head) {
  const bool isOfTransaction = !head.transaction.isNil();
  return {.epoch = head.epoch == 0 ? kEpochMax : head.epoch,
          .transaction = head.transaction,
          .inDoubt = isOfTransaction ? vos::InDoubt::kRefuse : vos::InDoubt::kSkip,
          .isTracked = isOfTransaction,
          .conditions = head.conditions};
}

// One range for each descriptor, as VOS wants it.
Result<std::vector<Bytes>> cut(const std::vector<MutableBytes>& data,
                               std::span<const IoDescriptor> akeys) {
  std::vector<Bytes> ranges(data.begin(), data.end());
  if (ranges.size() != akeys.size()) {
    return Error(ErrorCode::kIoInval, std::to_string(akeys.size()) + " akeys come with " +
                                          std::to_string(ranges.size()) + " buffers");
  }
  for (size_t i = 0; i < akeys.size(); ++i) {
    if (ranges[i].size() != dataSize(akeys[i])) {
      return Error(ErrorCode::kIoInval, "akey " + std::to_string(i) + " wants " +
                                            std::to_string(dataSize(akeys[i])) + " bytes; " +
                                            std::to_string(ranges[i].size()) + " came");
    }
  }
  return ranges;
}

// Into the arena at once, or to Media first where the data is large.
Task<Result<vos::Ticket>> store(vos::Container& container, const vos::UpdateRequest& wanted,
                                const std::vector<Bytes>& data) {
  if (!container.needsMedia(wanted)) co_return container.update(wanted, data);
  DAOS_CO_TRY(vos::PendingUpdate pending, container.updateBegin(wanted));
  // Data has one range per akey, buffers one per extent.
  size_t range = 0;
  size_t taken = 0;
  for (const MutableBytes buffer : pending.buffers()) {
    std::memcpy(buffer.data(), data[range].data() + taken, buffer.size());
    taken += buffer.size();
    if (taken < data[range].size()) continue;
    ++range;
    taken = 0;
  }
  DAOS_CO_CHECK(co_await pending.writeData());
  co_return container.updateEnd(pending);
}

// C++: Result<Ticket> Container::update(const UpdateRequest&, std::span<const Bytes> data)
// TS:  vosUpdate(head, dkey: bytes, akeys: Descriptors), data: Uint8Array | Uint8Array[]: epoch
Task<Status> update(VosContainer& container, Request& request) {
  const Head head = readHead(request.reader);
  const Bytes dkey = request.reader.bytes();
  DAOS_CO_TRY(const Descriptors akeys, Descriptors::read(request.reader));
  DAOS_CO_TRY(const std::vector<Bytes> data, cut(request.data, akeys.akeys()));
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  const Epoch epoch = container.core().epochOf(head.epoch);
  const vos::UpdateRequest wanted{.oid = head.oid,
                                  .dkey = dkey,
                                  .descriptors = akeys.akeys(),
                                  .write = writeOf(head, epoch)};
  DAOS_CO_TRY(const vos::Ticket ticket, co_await store(container.container(), wanted, data));
  request.number = epoch;
  co_return co_await container.core().settle(ticket);
}

// C++: Result<Ticket> Container::punch(const PunchRequest&)
// TS:  vosPunch(head, dkey: bytes, u32 count, akeys: bytes…): epoch
Task<Status> punch(VosContainer& container, Request& request) {
  CommandReader& reader = request.reader;
  const Head head = readHead(reader);
  const Bytes dkey = reader.bytes();
  std::vector<Bytes> akeys;
  const uint32_t akeyCount = reader.u32();
  for (uint32_t i = 0; i < akeyCount && reader.remaining() > 0; ++i)
    akeys.push_back(reader.bytes());
  DAOS_CO_CHECK(reader.status());
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  const Epoch epoch = container.core().epochOf(head.epoch);
  DAOS_CO_TRY(
      const vos::Ticket ticket,
      container.container().punch({.oid = head.oid,
                                   .dkey = dkey,
                                   .akeys = akeys,
                                   .write = writeOf(head, epoch)}));
  request.number = epoch;
  co_return co_await container.core().settle(ticket);
}

// What was found of one akey; its bytes are copied into `room`, holes left as they are.
client::AkeyResult take(const IoDescriptor& akey, const vos::FetchedValue& value,
                        const vos::FetchResult& fetched, MutableBytes room) {
  client::AkeyResult result{.recordSize = value.recordSize};
  if (akey.type == ValueType::kSingle) {
    result.dataSize = value.recordSize;
    result.isWhole = value.recordSize > 0;
    if (value.recordSize > 0 && value.recordSize <= room.size()) {
      fetched.copyTo(value, room.first(value.recordSize));
    }
    return result;
  }
  if (value.recordSize == 0) return result;
  if (room.size() >= value.size) fetched.copyTo(value, room.first(value.size));
  result.isWhole = true;
  for (const vos::Segment& segment : fetched.segments(value)) {
    if (segment.kind == vos::SegmentKind::kHole) {
      result.isWhole = false;
    } else {
      result.dataSize += segment.size;
    }
  }
  return result;
}

// The runs of records that are there, along the extents asked for.
std::vector<Extent> mappedOf(const IoDescriptor& akey, const vos::FetchedValue& value,
                             std::span<const vos::Segment> segments) {
  std::vector<Extent> mapped;
  uint64_t taken = 0;  // bytes of segments.front() that earlier extents used up
  for (const Extent& wanted : akey.extents) {
    for (uint64_t at = wanted.index; at < wanted.end() && !segments.empty();) {
      const vos::Segment& segment = segments.front();
      const uint64_t count = std::min((segment.size - taken) / value.recordSize, wanted.end() - at);
      if (segment.kind != vos::SegmentKind::kHole) mapped.push_back({at, count});
      at += count;
      taken += count * value.recordSize;
      if (taken < segment.size) continue;
      segments = segments.subspan(1);
      taken = 0;
    }
  }
  return mapped;
}

// C++: Status Container::fetch(const FetchRequest&, FetchResult&)
// TS:  vosFetch(head, dkey: bytes, akeys: Descriptors), into?: Uint8Array | Uint8Array[]: see
//      fetch_answer.h
// A single value that is larger than its room is no error: its size says so, and nothing was read.
Task<Status> fetch(VosContainer& container, Request& request) {
  const Head head = readHead(request.reader);
  const Bytes dkey = request.reader.bytes();
  DAOS_CO_TRY(const Descriptors descriptors, Descriptors::read(request.reader));
  const std::span<const IoDescriptor> akeys = descriptors.akeys();
  vos::FetchResult fetched;
  DAOS_CO_CHECK(container.container().fetch(
      {.oid = head.oid,
       .dkey = dkey,
       .descriptors = akeys,
       .read = readOf(head),
       .sizesOnly = request.data.empty()},
      fetched));
  if (fetched.hasMedia()) DAOS_CO_CHECK(co_await fetched.readMedia());
  std::vector<client::AkeyResult> results;
  for (size_t i = 0; i < akeys.size(); ++i) {
    const vos::FetchedValue& value = fetched.values()[i];
    const MutableBytes room = i < request.data.size() ? request.data[i] : MutableBytes();
    results.push_back(take(akeys[i], value, fetched, room));
    if (akeys[i].type == ValueType::kArray && value.recordSize > 0 && !results.back().isWhole) {
      results.back().mapped = mappedOf(akeys[i], value, fetched.segments(value));
    }
  }
  answerFetch(akeys, results, request);
  co_return co_await container.core().settle(fetched.ticket());
}

// Fills a page with entries, up to a count and a size.
class PageSink : public vos::EntrySink {
 public:
  PageSink(AnswerWriter& answer, uint32_t countMax) : answer_(answer), countMax_(countMax) {}
  uint32_t count() const { return count_; }

  bool take(const vos::Entry& entry) override {
    if (count_ == countMax_ || answer_.size() >= kSizeMax) return false;
    ++count_;
    answer_.u8(static_cast<uint8_t>(entry.kind));
    answer_.u8(static_cast<uint8_t>(entry.valueType));
    answer_.u8(entry.isHole);
    answer_.u8(entry.isInDoubt);
    answer_.u64(entry.epoch);
    answer_.u64(entry.recordSize);
    if (entry.kind == vos::EntryKind::kObject) answer_.objectId(entry.oid);
    if (entry.kind == vos::EntryKind::kDkey || entry.kind == vos::EntryKind::kAkey) {
      answer_.bytes(entry.key);
    }
    if (entry.kind == vos::EntryKind::kExtent) {
      answer_.u64(entry.extent.index);
      answer_.u64(entry.extent.count);
    }
    return true;
  }

 private:
  static constexpr size_t kSizeMax = 256 * 1024;
  AnswerWriter& answer_;
  const uint32_t countMax_;
  uint32_t count_ = 0;
};

// C++: Status Container::enumerate(const EnumerateRequest&, Anchor&, EntrySink&)
// TS:  vosEnumerate(level: u8, oid: objectId, dkey: bytes, akey: bytes, low: u64, high: u64,
//      allVersions: boolean, countMax: u32, anchor: bytes, isTransaction: boolean, [uuid]): u32
//      count, entries…: u8 kind, u8 valueType, boolean isHole, boolean isInDoubt, u64 epoch, u64
//      recordSize, then objectId | bytes key | (u64 index, u64 count); then bytes anchor, boolean
//      isEnd
Status enumerate(VosContainer& container, Request& request) {
  CommandReader& reader = request.reader;
  vos::EnumerateRequest wanted;
  wanted.level = static_cast<vos::Level>(reader.u8());
  wanted.oid = reader.objectId();
  wanted.dkey = reader.bytes();
  wanted.akey = reader.bytes();
  wanted.epochs.low = reader.u64();
  wanted.epochs.high = reader.u64();
  wanted.versions = reader.boolean() ? vos::Versions::kAll : vos::Versions::kVisible;
  const uint32_t countMax = reader.u32();
  const Bytes position = reader.bytes();
  if (reader.boolean()) {
    wanted.transaction = reader.uuid();
    wanted.isTracked = true;
  }
  DAOS_CHECK(reader.status());
  vos::Anchor anchor;
  if (position.size() > anchor.bytes.size()) return invalid("an anchor of another kind");
  std::copy(position.begin(), position.end(), anchor.bytes.begin());
  anchor.size = static_cast<uint8_t>(position.size());
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(0);
  PageSink sink(*request.answer, countMax);
  DAOS_CHECK(container.container().enumerate(wanted, anchor, sink));
  request.answer->setU32(0, sink.count());
  request.answer->bytes(Bytes(anchor.bytes).first(anchor.size));
  request.answer->u8(anchor.isEnd);
  return {};
}

// C++: Result<QueryResult> Container::query(const QueryRequest&)
// TS:  vosQuery(head, what: u8, dkey: bytes, akey: bytes): bytes dkey, bytes akey, u64 index,
//      u64 count, u64 recordSize
Status query(VosContainer& container, Request& request) {
  const Head head = readHead(request.reader);
  vos::QueryRequest wanted{.oid = head.oid};
  wanted.what = static_cast<vos::QueryWhat>(request.reader.u8());
  wanted.dkey = request.reader.bytes();
  wanted.akey = request.reader.bytes();
  wanted.read = readOf(head);
  DAOS_CHECK(request.reader.status());
  DAOS_TRY(const vos::QueryResult found, container.container().query(wanted));
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->bytes(found.dkey);
  request.answer->bytes(found.akey);
  request.answer->u64(found.extent.index);
  request.answer->u64(found.extent.count);
  request.answer->u64(found.recordSize);
  return {};
}

template <auto function>
void onContainer(Call& call) {
  runOn<VosContainer>(call, HandleType::kVosContainer, function);
}

constexpr Function kFunctions[] = {
    {"vosUpdate", entry<onContainer<update>>},       {"vosFetch", entry<onContainer<fetch>>},
    {"vosPunch", entry<onContainer<punch>>},         {"vosQuery", entry<onContainer<query>>},
    {"vosEnumerate", entry<onContainer<enumerate>>},
};

}  // namespace

Functions vosObjectFunctions() { return kFunctions; }

}  // namespace daos::node
