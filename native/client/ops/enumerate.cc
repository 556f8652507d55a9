// Lists dkeys, akeys, extents or objects page by page, target after target.
#include "client/call_target.h"
#include "client/object.h"

namespace daos::client {

static Error malformed() {
  return Error(ErrorCode::kProto, "malformed answer to object.enumerate");
}

static Status takeEntries(protocol::WireReader& reader, protocol::EnumerateLevel level,
                          uint32_t count, EnumerationPage& page) {
  switch (level) {
    case protocol::EnumerateLevel::kObjects: {
      const auto objects = reader.getAll<ObjectId>(count);
      page.objects.assign(objects.begin(), objects.end());
      break;
    }
    case protocol::EnumerateLevel::kExtents: {
      const auto extents = reader.getAll<protocol::ExtentEntry>(count);
      page.extents.assign(extents.begin(), extents.end());
      break;
    }
    case protocol::EnumerateLevel::kDkeys:
    case protocol::EnumerateLevel::kAkeys:
      for (uint32_t i = 0; i < count && reader.ok(); ++i) {
        page.keys.emplace_back(textOf(reader.getPadded(reader.get<uint64_t>())));
      }
      break;
  }
  return reader.atEnd() ? Status{} : malformed();
}

static Task<Result<EnumerationPage>> enumerateOn(Container& container, uint32_t target,
                                                 ObjectId oid, const EnumerateArguments& arguments,
                                                 EnumerationAnchor& anchor, bool& isTargetEnd) {
  Context::Scratch scratch(container.context());
  protocol::WireWriter writer(scratch.body());
  encode(writer, {.head = {.oid = oid,
                           .epoch = arguments.epoch,
                           .level = arguments.level,
                           .countMax = arguments.countMax,
                           .sizeMax = arguments.sizeMax,
                           .anchor = anchor.target},
                  .dkey = arguments.dkey,
                  .akey = arguments.akey,
                  .changed = arguments.changed});
  DAOS_CO_TRY(
      const rpc::Reply reply,
      co_await callTarget(container, target,
                          {.opcode = protocol::Opcode::kObjectEnumerate,
                           .deadlineNs = deadlineOf(container.context(), arguments.timeoutNs),
                           .cancellation = arguments.cancellation,
                           .trace = arguments.trace,
                           .body = &scratch.body()}));
  protocol::WireReader reader(reply.body());
  const auto head = reader.get<protocol::EnumerateReplyHead>();
  if (!reader.ok() || head.count > arguments.countMax) co_return malformed();
  EnumerationPage page;
  DAOS_CO_CHECK(takeEntries(reader, arguments.level, head.count, page));
  anchor.target = head.anchor;
  isTargetEnd = head.isEnd != 0;
  co_return page;
}

// Walks the targets of `groups` one after another; an answer never spans two.
static Task<Result<EnumerationPage>> enumerateGroups(Container& container,
                                                     std::vector<uint32_t> groups, ObjectId oid,
                                                     const EnumerateArguments& arguments,
                                                     EnumerationAnchor& anchor) {
  if (anchor.isEnd) co_return EnumerationPage{};
  if (anchor.group >= groups.size())
    co_return invalid("the anchor is of another object or container");
  bool isTargetEnd = false;
  DAOS_CO_TRY(EnumerationPage page, co_await enumerateOn(container, groups[anchor.group], oid,
                                                         arguments, anchor, isTargetEnd));
  if (isTargetEnd) {
    anchor.target = {};
    anchor.group += 1;
    anchor.isEnd = anchor.group == groups.size();
  }
  co_return page;
}

Task<Result<EnumerationPage>> enumerate(Object& object, const EnumerateArguments& arguments,
                                        EnumerationAnchor& anchor) {
  if (arguments.level == protocol::EnumerateLevel::kObjects) {
    co_return invalid("objects are listed per container");
  }
  DAOS_CO_TRY(const placement::Layout* layout, object.layout());
  std::vector<uint32_t> groups = layout->groups;
  if (arguments.level != protocol::EnumerateLevel::kDkeys) {
    DAOS_CO_CHECK(validateKey(arguments.dkey, object.oid().dkeyType(), "dkey"));
    groups = {groups[placement::groupOfDkey(*layout, arguments.dkey)]};
  }
  co_return co_await enumerateGroups(object.container(), std::move(groups), object.oid(), arguments,
                                     anchor);
}

Task<Result<EnumerationPage>> listObjects(Container& container, const EnumerateArguments& arguments,
                                          EnumerationAnchor& anchor) {
  std::vector<uint32_t> groups(container.pool().map().targets.size());
  for (uint32_t i = 0; i < groups.size(); ++i) groups[i] = i;
  EnumerateArguments objects = arguments;
  objects.level = protocol::EnumerateLevel::kObjects;
  co_return co_await enumerateGroups(container, std::move(groups), {}, objects, anchor);
}

}  // namespace daos::client
