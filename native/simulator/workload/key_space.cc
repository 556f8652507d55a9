#include "simulator/workload/key_space.h"

#include "placement/layout.h"

namespace daos::simulator {

ObjectId KeySpace::oid(uint64_t object) const {
  static constexpr ObjectType kTypes[] = {ObjectType::kMultiHashed, ObjectType::kMultiLexical,
                                          ObjectType::kMultiUint64, ObjectType::kDkeyUint64};
  // Every other object lies on one target, the others on all.
  const uint16_t groupCount = object % 2 ? 1 : placement::kGroupCountMax;
  return ObjectId::make({.low = 1000 + object, .high = 0}, kTypes[object % std::size(kTypes)],
                        placement::kRedundancyNone, groupCount);
}

std::string KeySpace::key(KeyType type, char prefix, uint64_t number) const {
  if (type != KeyType::kUint64) return prefix + std::to_string(number);
  const uint64_t word = number * 7 + 1;
  return std::string(textOf(bytesOf(&word, sizeof(word))));
}

std::string KeySpace::dkey(uint64_t object, uint64_t dkey) const {
  return key(oid(object).dkeyType(), 'd', dkey);
}
std::string KeySpace::akey(uint64_t object, uint64_t akey) const {
  return key(oid(object).akeyType(), 'a', akey);
}

int64_t KeySpace::number(KeyType type, char prefix, std::string_view text, uint64_t count) const {
  for (uint64_t i = 0; i < count; ++i) {
    if (key(type, prefix, i) == text) return static_cast<int64_t>(i);
  }
  return -1;
}

int64_t KeySpace::dkeyNumber(uint64_t object, std::string_view text) const {
  return number(oid(object).dkeyType(), 'd', text, options_.dkeyCount);
}
int64_t KeySpace::akeyNumber(uint64_t object, std::string_view text) const {
  return number(oid(object).akeyType(), 'a', text, akeyCount());
}

std::string KeySpace::describe(GroupId group) const {
  return "object " + std::to_string(objectOf(group)) + " dkey " + std::to_string(dkeyOf(group));
}

std::vector<CellId> KeySpace::cellsOfAkey(uint64_t akey) const {
  std::vector<CellId> cells;
  const uint64_t count = isArray(akey) ? options_.recordCount : 1;
  for (uint64_t record = 0; record < count; ++record) cells.push_back(cell(akey, record));
  return cells;
}

std::vector<CellId> KeySpace::cellsOfGroup() const {
  std::vector<CellId> cells;
  for (uint64_t akey = 0; akey < akeyCount(); ++akey) {
    const auto own = cellsOfAkey(akey);
    cells.insert(cells.end(), own.begin(), own.end());
  }
  return cells;
}

}  // namespace daos::simulator
