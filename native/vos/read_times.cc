#include "vos/read_times.h"

#include "vos/key_tree.h"

namespace daos::vos {

namespace {
uint64_t mix(uint64_t above, uint64_t hash) {
  const uint64_t x = (above ^ hash) * 0x9e3779b97f4a7c15ull;
  return x ^ x >> 32;
}
}  // namespace

NameHashes NameHashes::of(const Uuid& container, const ObjectId& oid, Bytes dkey) {
  NameHashes hashes;
  hashes.container = mix(1, hashKey(bytesOf(&container, sizeof container)));
  hashes.object = mix(hashes.container, std::hash<ObjectId>()(oid));
  hashes.dkey = dkey.empty() ? 0 : mix(hashes.object, hashKey(dkey));
  return hashes;
}

NameHashes NameHashes::withAkey(Bytes name) const {
  NameHashes hashes = *this;
  hashes.akey = mix(dkey, hashKey(name));
  return hashes;
}

ReadTime& ReadTimes::at(Level level, Kind kind, const NameHashes& names) {
  const uint64_t hashes[] = {names.container, names.object, names.dkey, names.akey};
  const size_t table = static_cast<size_t>(level) * 2 + kind;
  return times_[table * kCount + hashes[static_cast<size_t>(level)] % kCount];
}

void ReadTimes::raise(ReadTime& to, const ReadTime& time) {
  if (time.epoch > to.epoch) {
    to = time;
  } else if (time.epoch == to.epoch && time.reader != to.reader) {
    to.reader = 0;
  }
}

void ReadTimes::noteAkey(const NameHashes& names, const ReadTime& time) {
  if (times_.empty()) times_.resize(kCount * 8);
  hasReads_ = true;
  raise(at(Level::kAkey, kAny, names), time);
  raise(at(Level::kDkey, kAny, names), time);
  raise(at(Level::kObject, kAny, names), time);
}

void ReadTimes::noteWhole(Level level, const NameHashes& names, const ReadTime& time) {
  if (times_.empty()) times_.resize(kCount * 8);
  hasReads_ = true;
  raise(at(level, kWhole, names), time);
  if (level == Level::kDkey) raise(at(Level::kDkey, kAny, names), time);
  if (level != Level::kContainer) raise(at(Level::kObject, kAny, names), time);
}

bool ReadTimes::isAfter(Level level, Kind kind, const NameHashes& names,
                        const ReadTime& write) const {
  const ReadTime& time = const_cast<ReadTimes*>(this)->at(level, kind, names);
  if (time.epoch != write.epoch) return time.epoch > write.epoch;
  return time.epoch != 0 && (time.reader == 0 || time.reader != write.reader);
}

bool ReadTimes::isReadAfter(Level level, const NameHashes& names, const ReadTime& write) const {
  if (write.epoch <= floor_) return true;
  if (!hasReads_) return false;
  if (isAfter(Level::kContainer, kWhole, names, write)) return true;
  if (isAfter(Level::kObject, level == Level::kObject ? kAny : kWhole, names, write)) return true;
  if (level == Level::kObject) return false;
  if (isAfter(Level::kDkey, level == Level::kDkey ? kAny : kWhole, names, write)) return true;
  return level == Level::kAkey && isAfter(Level::kAkey, kAny, names, write);
}

}  // namespace daos::vos
