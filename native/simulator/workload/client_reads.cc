// The part of ClientDriver that reads: fetches, and questions about the past.
#include <algorithm>

#include "simulator/workload/client_io.h"
#include "simulator/workload/value_codec.h"

namespace daos::simulator {

void ClientDriver::planFetch(const Target& target, Io& io) const {
  const uint64_t room =
      std::max(options_.valueSizeMaxBytes, options_.largeShare ? options_.largeSizeMaxBytes : 0);
  for (const uint64_t akey : target.akeys) {
    const bool isArray = keys_.isArray(akey);
    io.add(keys_.akey(target.object, akey), isArray ? ValueType::kArray : ValueType::kSingle,
           isArray ? options_.recordSizeBytes : room);
    if (isArray) io.extents.back().push_back({0, options_.recordCount});
    io.buffers.back().assign(isArray ? options_.recordCount * options_.recordSizeBytes : room,
                             std::byte{0xee});
  }
  io.link();
}

bool ClientDriver::readCell(const Target& target, CellId cell, Bytes bytes, uint64_t id,
                            Effect& effect) {
  const GroupId group = keys_.group(target.object, target.dkey);
  const auto value = decodeValue(bytes, keys_.place(group, cell));
  if (!value) {
    recorder_.violate({"corruption",
                       keys_.describe(group) + " cell " + std::to_string(cell) + ": " +
                           std::to_string(bytes.size()) + " bytes that nobody wrote there",
                       {id}});
    return false;
  }
  effect.guards.push_back({cell, *value});
  return true;
}

// Turns what a fetch brought into what was seen of each cell. False after a violation.
bool ClientDriver::readCells(const Target& target, const Io& io, uint64_t id, Effect& effect) {
  for (size_t i = 0; i < target.akeys.size(); ++i) {
    const uint64_t akey = target.akeys[i];
    const client::AkeyResult& result = io.results[i];
    if (!keys_.isArray(akey)) {
      if (result.recordSize == 0) {
        effect.guards.push_back({keys_.cell(akey, 0), kAbsent});
      } else if (result.recordSize > io.buffers[i].size() ||
                 !readCell(target, keys_.cell(akey, 0),
                           Bytes(io.buffers[i]).first(result.recordSize), id, effect)) {
        return false;
      }
      continue;
    }
    for (uint64_t record = 0; record < options_.recordCount; ++record) {
      const bool isThere =
          result.recordSize != 0 &&
          (result.isWhole ||
           std::any_of(result.mapped.begin(), result.mapped.end(), [&](const Extent& extent) {
             return record >= extent.index && record < extent.end();
           }));
      const Bytes bytes =
          Bytes(io.buffers[i]).subspan(record * options_.recordSizeBytes, options_.recordSizeBytes);
      if (!isThere) {
        effect.guards.push_back({keys_.cell(akey, record), kAbsent});
      } else if (!readCell(target, keys_.cell(akey, record), bytes, id, effect)) {
        return false;
      }
    }
  }
  return true;
}

Task<void> ClientDriver::fetch() {
  const Target target = drawTarget(keys_.akeyCount());
  const Existence condition = drawCondition(target, false);
  const uint64_t id = recorder_.nextId();
  Io io;
  planFetch(target, io);
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  recorder_.invoke(id, arguments_.client, "fetch", {});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result = co_await subject_.fetch(
      keys_.oid(target.object),
      {.dkey = bytesOf(dkey),
       .akeys = io.descriptors,
       .buffers = io.sinks,
       .results = io.results,
       .conditions = conditionBits(static_cast<int>(condition), 0, kDkeyFetch, 0, kAkeyFetch),
       .timeoutNs = options_.timeoutNs});
  describeSuccess(condition, target, effect);
  if (result.ok() && !readCells(target, io, id, effect)) co_return;
  finish(id, result, condition, target, std::move(effect));
}

// Reads all of a group, at `epoch` or (0) now. What the past holds must stay what it is; what is
// now is seen by the search for an order. False when it was not answered.
Task<bool> ClientDriver::readGroup(const Target& target, Epoch epoch, uint64_t* idOut) {
  const uint64_t id = recorder_.nextId();
  Io io;
  planFetch(target, io);
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  recorder_.invoke(id, arguments_.client, epoch ? "fetch at " + std::to_string(epoch) : "fetch",
                   {});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result =
      co_await subject_.fetch(keys_.oid(target.object), {.dkey = bytesOf(dkey),
                                                         .akeys = io.descriptors,
                                                         .buffers = io.sinks,
                                                         .results = io.results,
                                                         .epoch = epoch,
                                                         .timeoutNs = options_.timeoutNs});
  if (idOut) *idOut = id;
  if (!result.ok()) {
    fail(id, result.error());
    // Nobody can give back what a disk has lost; it was told, and that is all.
    if (result.code() == ErrorCode::kCsum && isLastAsked_) co_return true;
    co_return result.code() == ErrorCode::kEpOld && expectGone(epoch, id);
  }
  if (!readCells(target, io, id, effect)) co_return true;
  if (epoch) {
    for (const CellGuard& guard : effect.guards) {
      auto violation = recorder_.snapshots().observe(epoch, keys_.place(effect.group, guard.cell),
                                                     guard.value, id);
      if (violation) recorder_.violate(std::move(*violation));
    }
    effect.guards.clear();
    recorder_.rememberQuestion({epoch, effect.group});
  }
  recorder_.complete(id, ErrorCode::kOk, *result, {std::move(effect)});
  co_return true;
}

static std::vector<uint64_t> allAkeys(const KeySpace& keys) {
  std::vector<uint64_t> akeys(keys.akeyCount());
  for (uint64_t akey = 0; akey < akeys.size(); ++akey) akeys[akey] = akey;
  return akeys;
}

// The past is forgotten where aggregation runs, but for snapshots.
bool ClientDriver::expectGone(Epoch epoch, uint64_t id) {
  if (epoch == 0 || options_.aggregateEveryNs == 0 || recorder_.isPinned(epoch)) {
    recorder_.violate(
        {"immutability", "a read at " + std::to_string(epoch) + " is told DER_EP_OLD", {id}});
  }
  return true;
}

Task<void> ClientDriver::snapshot() {
  const std::vector<Epoch>& pinned = recorder_.pinned();
  const bool readsPinned = !pinned.empty() && random_.chance(1, 2);
  if (!readsPinned && epochs_.empty()) co_return;
  Target target = drawTarget(0);
  target.akeys = allAkeys(keys_);
  const Epoch epoch = readsPinned ? pinned[random_.below(pinned.size())]
                                  : epochs_[random_.below(epochs_.size())];
  static_cast<void>(co_await readGroup(target, epoch, nullptr));
}

Task<void> ClientDriver::readAll(std::vector<uint64_t>* ids) {
  isLastAsked_ = true;
  for (GroupId group = 0; group < keys_.groupCount(); ++group) {
    const Target target{keys_.objectOf(group), keys_.dkeyOf(group), allAkeys(keys_)};
    uint64_t id = 0;
    while (!co_await readGroup(target, 0, &id)) co_await reactor_.sleep(10'000'000);
    ids->push_back(id);
  }
  isDone_ = true;
}

Task<void> ClientDriver::rereadSnapshots(std::vector<SnapshotQuestion> questions) {
  isLastAsked_ = true;
  for (const SnapshotQuestion& question : questions) {
    const Target target{keys_.objectOf(question.group), keys_.dkeyOf(question.group),
                        allAkeys(keys_)};
    while (!co_await readGroup(target, question.epoch, nullptr))
      co_await reactor_.sleep(10'000'000);
  }
  isDone_ = true;
}

}  // namespace daos::simulator
