#include "simulator/workload/reference_store.h"

#include <algorithm>
#include <cstring>

namespace daos::simulator {

static std::string nameOf(Bytes key) { return std::string(textOf(key)); }

ReferenceStore::Value ReferenceStore::read(const Versions& versions, Epoch epoch) {
  auto after = versions.upper_bound(epoch);
  if (after == versions.begin()) return std::nullopt;
  --after;
  if (strikes(StoreFault::kStaleRead) && after != versions.begin()) --after;
  if (strikes(StoreFault::kLosePunch) && !after->second && after != versions.begin()) --after;
  return after->second;
}

bool ReferenceStore::exists(const Cells& cells, Epoch epoch) {
  return std::any_of(cells.begin(), cells.end(),
                     [&](const auto& cell) { return read(cell.second, epoch).has_value(); });
}

bool ReferenceStore::exists(const Akeys& akeys, Epoch epoch) {
  return std::any_of(akeys.begin(), akeys.end(),
                     [&](const auto& akey) { return exists(akey.second, epoch); });
}

Status ReferenceStore::judge(Akeys& akeys, std::span<const std::string> names,
                             Conditions conditions, Epoch epoch) {
  if (strikes(StoreFault::kIgnoreCondition)) return {};
  const bool isDkeyThere = exists(akeys, epoch);
  if ((conditions & kDkeyInsert) && isDkeyThere) return Error(ErrorCode::kExist);
  if ((conditions & (kDkeyUpdate | kDkeyFetch | kDkeyPunch)) && !isDkeyThere)
    return Error(ErrorCode::kNonexist);
  for (const std::string& name : names) {
    const bool isThere = exists(akeys[name], epoch);
    if ((conditions & kAkeyInsert) && isThere) return Error(ErrorCode::kExist);
    if ((conditions & (kAkeyUpdate | kAkeyFetch | kAkeyPunch)) && !isThere)
      return Error(ErrorCode::kNonexist);
  }
  return {};
}

void ReferenceStore::store(Akeys& akeys, const IoDescriptor& descriptor, std::string_view data,
                           Epoch epoch) {
  Cells& cells = akeys[nameOf(descriptor.akey)];
  if (strikes(StoreFault::kLoseWrite)) return;
  if (descriptor.type == ValueType::kSingle) {
    cells[0][epoch] = std::string(data);
    return;
  }
  for (const Extent& extent : descriptor.extents) {
    for (uint64_t record = extent.index; record < extent.end(); ++record) {
      Value& value = cells[record][epoch];
      if (descriptor.recordSize == 0) {
        value.reset();
        continue;
      }
      value = std::string(data.substr(0, descriptor.recordSize));
      data.remove_prefix(descriptor.recordSize);
    }
  }
}

Task<void> ReferenceStore::applyAgain(ObjectId oid, std::string dkey, std::string akey,
                                      std::string value) {
  co_await reactor_.sleep(20'000'000);
  objects_[oid][dkey][akey][0][nextEpoch()] = value;
}

Task<Result<Epoch>> ReferenceStore::update(ObjectId oid, const client::UpdateArguments& arguments) {
  co_await reactor_.sleep(1000 + random_.below(100'000));
  Epoch epoch = nextEpoch();
  Akeys& akeys = objects_[oid][nameOf(arguments.dkey)];
  std::vector<std::string> names;
  for (const IoDescriptor& descriptor : arguments.akeys) names.push_back(nameOf(descriptor.akey));
  DAOS_CO_CHECK(judge(akeys, names, arguments.conditions, epoch));
  if (strikes(StoreFault::kMovePast)) epoch -= 30'000'000;
  std::string all;
  for (const Bytes piece : arguments.data) all += textOf(piece);
  std::string_view data = all;
  for (const IoDescriptor& descriptor : arguments.akeys) {
    const uint64_t size = dataSize(descriptor);
    store(akeys, descriptor, data.substr(0, size), epoch);
    if (descriptor.type == ValueType::kSingle && strikes(StoreFault::kApplyTwice)) {
      reactor_.spawn(applyAgain(oid, nameOf(arguments.dkey), nameOf(descriptor.akey),
                                std::string(data.substr(0, size))));
    }
    data.remove_prefix(size);
    if (fault_ == StoreFault::kTornUpdate) co_await reactor_.sleep(3'000'000);
  }
  co_await reactor_.sleep(1000 + random_.below(100'000));
  co_return epoch;
}

Task<Result<Epoch>> ReferenceStore::fetch(ObjectId oid, const client::FetchArguments& arguments) {
  co_await reactor_.sleep(1000 + random_.below(100'000));
  const Epoch epoch = arguments.epoch ? arguments.epoch : nextEpoch();
  static_cast<void>(clock_.observe(epoch, reactor_.clock().wallNs()));
  Akeys& akeys = objects_[oid][nameOf(arguments.dkey)];
  std::vector<std::string> names;
  for (const IoDescriptor& descriptor : arguments.akeys) names.push_back(nameOf(descriptor.akey));
  DAOS_CO_CHECK(judge(akeys, names, arguments.conditions, epoch));
  for (size_t i = 0; i < arguments.akeys.size(); ++i) {
    const IoDescriptor& descriptor = arguments.akeys[i];
    client::AkeyResult& result = arguments.results[i];
    std::byte* to = arguments.buffers[i].data();
    Cells& cells = akeys[names[i]];
    if (descriptor.type == ValueType::kSingle) {
      const Value value = read(cells[0], epoch);
      result.recordSize = value ? value->size() : 0;
      if (value) std::memcpy(to, value->data(), value->size());
      if (value && strikes(StoreFault::kCorruptByte)) to[value->size() / 2] ^= std::byte{1};
      continue;
    }
    for (const Extent& extent : descriptor.extents) {
      for (uint64_t record = extent.index; record < extent.end();
           ++record, to += descriptor.recordSize) {
        const Value value = read(cells[record], epoch);
        if (!value) continue;
        result.recordSize = value->size();
        result.mapped.push_back({record, 1});
        std::memcpy(to, value->data(), value->size());
      }
    }
  }
  co_await reactor_.sleep(1000 + random_.below(100'000));
  co_return epoch;
}

void ReferenceStore::punchCells(Cells& cells, Epoch epoch) {
  for (auto& [record, versions] : cells) versions[epoch].reset();
}

Task<Result<Epoch>> ReferenceStore::punch(ObjectId oid, const client::PunchArguments& arguments) {
  co_await reactor_.sleep(1000 + random_.below(100'000));
  const Epoch epoch = nextEpoch();
  Dkeys& dkeys = objects_[oid];
  if (arguments.level == protocol::PunchLevel::kObject) {
    for (auto& [dkey, akeys] : dkeys) {
      for (auto& [akey, cells] : akeys) punchCells(cells, epoch);
    }
    co_return epoch;
  }
  Akeys& akeys = dkeys[nameOf(arguments.dkey)];
  std::vector<std::string> names;
  for (const Bytes akey : arguments.akeys) names.push_back(nameOf(akey));
  DAOS_CO_CHECK(judge(akeys, names, arguments.conditions, epoch));
  for (auto& [akey, cells] : akeys) {
    if (names.empty() || std::find(names.begin(), names.end(), akey) != names.end())
      punchCells(cells, epoch);
  }
  co_await reactor_.sleep(1000 + random_.below(100'000));
  co_return epoch;
}

Task<Result<Subject::Keys>> ReferenceStore::list(ObjectId oid,
                                                 const client::EnumerateArguments& arguments) {
  co_await reactor_.sleep(1000 + random_.below(100'000));
  const Epoch epoch = nextEpoch();
  Keys keys{.pageCount = 1};
  Dkeys& dkeys = objects_[oid];
  if (arguments.level == protocol::EnumerateLevel::kDkeys) {
    for (auto& [dkey, akeys] : dkeys) {
      if (exists(akeys, epoch) || strikes(StoreFault::kListGhost)) keys.keys.push_back(dkey);
    }
    co_return keys;
  }
  for (auto& [akey, cells] : dkeys[nameOf(arguments.dkey)]) {
    if (exists(cells, epoch)) keys.keys.push_back(akey);
  }
  co_return keys;
}

}  // namespace daos::simulator
