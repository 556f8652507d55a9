#include "node/object_binding.h"

#include "node/client_core.h"
#include "node/descriptors.h"
#include "node/fetch_answer.h"

namespace daos::node {

namespace {

using ContainerRequest = ClientRequest<ContainerResource>;

// What every operation begins with: oid, epoch (0: the newest, or chosen by the target), timeoutNs
// (0: the client's), conditions. Behind its parameters may follow which span it belongs to: 16
// bytes trace, 8 bytes span.
struct Head {
  ObjectId oid;
  Epoch epoch;
  uint64_t timeoutNs;
  Conditions conditions;
};

Head readHead(CommandReader& reader) {
  Head head;
  head.oid = reader.objectId();
  head.epoch = reader.u64();
  head.timeoutNs = reader.u64();
  head.conditions = reader.u32();
  return head;
}

// C++: Task<Result<Epoch>> update(Object&, const UpdateArguments&)
// TS:  objectUpdate(head, dkey: bytes, akeys: Descriptors), data: Uint8Array | Uint8Array[]: epoch
Task<Status> update(ContainerResource& container, client::Context&, ContainerRequest& request) {
  const Head head = readHead(request.reader);
  const Bytes dkey = request.reader.bytes();
  DAOS_CO_TRY(const Descriptors akeys, Descriptors::read(request.reader));
  DAOS_CO_TRY(auto object, container.objectOf(head.oid));
  const std::vector<Bytes> data(request.data.begin(), request.data.end());
  DAOS_CO_TRY(request.number, co_await client::update(*object, {.dkey = dkey,
                                                                .akeys = akeys.akeys(),
                                                                .data = data,
                                                                .conditions = head.conditions,
                                                                .epoch = head.epoch,
                                                                .timeoutNs = head.timeoutNs,
.cancellation = &request.cancellation(),
.trace = request.reader.trace()}));
  co_return Status();
}

// C++: Task<Result<Epoch>> fetch(Object&, const FetchArguments&)
// TS:  objectFetch(head, dkey: bytes, akeys: Descriptors), into?: Uint8Array | Uint8Array[]: see
//      fetch_answer.h
// A single value that is larger than its room is no error here: its size says so, and nothing was
// read.
Task<Status> fetch(ContainerResource& container, client::Context&, ContainerRequest& request) {
  const Head head = readHead(request.reader);
  const Bytes dkey = request.reader.bytes();
  DAOS_CO_TRY(const Descriptors akeys, Descriptors::read(request.reader));
  DAOS_CO_TRY(auto object, container.objectOf(head.oid));
  std::vector<client::AkeyResult> results(akeys.akeys().size());
  auto epoch = co_await client::fetch(*object, {.dkey = dkey,
                                                .akeys = akeys.akeys(),
                                                .buffers = request.data,
                                                .results = results,
                                                .conditions = head.conditions,
                                                .epoch = head.epoch,
                                                .timeoutNs = head.timeoutNs,
.cancellation = &request.cancellation(),
.trace = request.reader.trace()});
  if (!epoch.ok() && epoch.code() != ErrorCode::kRec2big) co_return std::move(epoch).error();
  answerFetch(akeys.akeys(), results, request);
  co_return Status();
}

// C++: Task<Result<Epoch>> punch(Object&, const PunchArguments&)
// TS:  objectPunch(head, level: u32, dkey: bytes, u32 count, akeys: bytes…): epoch
Task<Status> punch(ContainerResource& container, client::Context&, ContainerRequest& request) {
  const Head head = readHead(request.reader);
  const auto level = static_cast<protocol::PunchLevel>(request.reader.u32());
  const Bytes dkey = request.reader.bytes();
  std::vector<Bytes> akeys;
  const uint32_t akeyCount = request.reader.u32();
  for (uint32_t i = 0; i < akeyCount && request.reader.remaining() > 0; ++i) {
    akeys.push_back(request.reader.bytes());
  }
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_TRY(auto object, container.objectOf(head.oid));
  DAOS_CO_TRY(request.number, co_await client::punch(*object, {.level = level,
                                                               .dkey = dkey,
                                                               .akeys = akeys,
                                                               .conditions = head.conditions,
                                                               .epoch = head.epoch,
                                                               .timeoutNs = head.timeoutNs,
.cancellation = &request.cancellation(),
.trace = request.reader.trace()}));
  co_return Status();
}

void answerPage(Request& request, const client::EnumerationPage& page,
                const client::EnumerationAnchor& anchor) {
  request.answer = std::make_unique<AnswerWriter>();
  AnswerWriter& answer = *request.answer;
  answer.bytes(bytesOf(&anchor, sizeof(anchor)));
  answer.u8(anchor.isEnd != 0);
  answer.u32(static_cast<uint32_t>(page.keys.size() + page.extents.size() + page.objects.size()));
  for (const std::string& key : page.keys) answer.text(key);
  for (const ObjectId& oid : page.objects) answer.objectId(oid);
  for (const protocol::ExtentEntry& entry : page.extents) {
    answer.u64(entry.extent.index);
    answer.u64(entry.extent.count);
    answer.u64(entry.epoch);
    answer.u64(entry.recordSize);
  }
}

// C++: Task<Result<EnumerationPage>> enumerate(Object&, const EnumerateArguments&,
//      EnumerationAnchor&), listObjects(Container&, …)
// TS:  objectEnumerate(head, level: u32, dkey: bytes, akey: bytes, countMax: u32, sizeMax: u32,
//      anchor: bytes, changedLow: u64, changedHigh: u64): bytes anchor, boolean isEnd, u32 count,
//      entries…: bytes key | objectId | (u64 index, u64 count, u64 epoch, u64 recordSize)
Task<Status> enumerate(ContainerResource& container, client::Context&, ContainerRequest& request) {
  CommandReader& reader = request.reader;
  const Head head = readHead(reader);
  client::EnumerateArguments arguments{.epoch = head.epoch, .timeoutNs = head.timeoutNs,
.cancellation = &request.cancellation()};
  arguments.level = static_cast<protocol::EnumerateLevel>(reader.u32());
  arguments.dkey = reader.bytes();
  arguments.akey = reader.bytes();
  arguments.countMax = reader.u32();
  arguments.sizeMax = reader.u32();
  const Bytes position = reader.bytes();
  arguments.changed.low = reader.u64();
  arguments.changed.high = reader.u64();
  arguments.trace = reader.trace();
  DAOS_CO_CHECK(reader.status());
  client::EnumerationAnchor anchor;
  static_assert(std::is_trivially_copyable_v<client::EnumerationAnchor>);
  if (position.size() == sizeof(anchor)) std::memcpy(&anchor, position.data(), sizeof(anchor));
  client::EnumerationPage page;
  if (arguments.level == protocol::EnumerateLevel::kObjects) {
    DAOS_CO_TRY(page, co_await client::listObjects(*container.container, arguments, anchor));
  } else {
    DAOS_CO_TRY(auto object, container.objectOf(head.oid));
    DAOS_CO_TRY(page, co_await client::enumerate(*object, arguments, anchor));
  }
  answerPage(request, page, anchor);
  co_return Status();
}

// C++: Task<Result<QueryReply>> query(Object&, const QueryArguments&)
// TS:  objectQuery(head, flags: u32, dkey: bytes, akey: bytes): u64 dkey, u64 akey, u64 index,
//      u64 count, u64 recordSize
Task<Status> query(ContainerResource& container, client::Context&, ContainerRequest& request) {
  const Head head = readHead(request.reader);
  client::QueryArguments arguments{.flags = request.reader.u32()};
  arguments.dkey = request.reader.bytes();
  arguments.akey = request.reader.bytes();
  arguments.epoch = head.epoch;
  arguments.timeoutNs = head.timeoutNs;
  arguments.cancellation = &request.cancellation();
  arguments.trace = request.reader.trace();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_TRY(auto object, container.objectOf(head.oid));
  DAOS_CO_TRY(const protocol::QueryReply reply, co_await client::query(*object, arguments));
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u64(reply.dkey);
  request.answer->u64(reply.akey);
  request.answer->u64(reply.extent.index);
  request.answer->u64(reply.extent.count);
  request.answer->u64(reply.recordSize);
  co_return Status();
}

template <auto function>
void onContainer(Call& call) {
  submitTo<ContainerResource>(call, HandleType::kContainer, function,
                              [](auto& container) -> auto& { return container->core; });
}

constexpr Function kFunctions[] = {
    {"objectUpdate", entry<onContainer<update>>},
    {"objectFetch", entry<onContainer<fetch>>},
    {"objectPunch", entry<onContainer<punch>>},
    {"objectEnumerate", entry<onContainer<enumerate>>},
    {"objectQuery", entry<onContainer<query>>},
};

}  // namespace

Functions objectFunctions() { return kFunctions; }

}  // namespace daos::node
