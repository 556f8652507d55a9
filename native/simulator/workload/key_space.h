// The keys of a workload by number, and the cells that checkers know them as.
//
// Object i has keys of a type that depends on i, so that all key types occur. A group is a (object,
// dkey); its cells are the values of its single akeys and the records of its arrays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/io.h"
#include "simulator/check/history.h"
#include "simulator/workload/workload_options.h"

namespace daos::simulator {

using GroupId = uint32_t;

class KeySpace {
 public:
  explicit KeySpace(const WorkloadOptions& options) : options_(options) {}

  const WorkloadOptions& options() const { return options_; }
  ObjectId oid(uint64_t object) const;
  std::string dkey(uint64_t object, uint64_t dkey) const;
  // Akeys [0, singleCount) hold single values, [singleCount, akeyCount()) arrays.
  std::string akey(uint64_t object, uint64_t akey) const;
  uint64_t akeyCount() const { return options_.singleCount + options_.arrayCount; }
  bool isArray(uint64_t akey) const { return akey >= options_.singleCount; }
  // The number of a key that an enumeration gave; -1 for one that is not of this workload.
  int64_t dkeyNumber(uint64_t object, std::string_view key) const;
  int64_t akeyNumber(uint64_t object, std::string_view key) const;

  GroupId group(uint64_t object, uint64_t dkey) const {
    return static_cast<GroupId>(object * options_.dkeyCount + dkey);
  }
  uint64_t groupCount() const { return options_.objectCount * options_.dkeyCount; }
  uint64_t objectOf(GroupId group) const { return group / options_.dkeyCount; }
  uint64_t dkeyOf(GroupId group) const { return group % options_.dkeyCount; }
  // "object 1 dkey 2".
  std::string describe(GroupId group) const;

  // `record` is 0 for a single value.
  CellId cell(uint64_t akey, uint64_t record) const {
    return static_cast<CellId>(akey * (options_.recordCount + 1) + record);
  }
  std::vector<CellId> cellsOfAkey(uint64_t akey) const;
  std::vector<CellId> cellsOfGroup() const;
  // What seals a value to its place.
  uint64_t place(GroupId group, CellId cell) const { return uint64_t{group} << 32 | cell; }

 private:
  std::string key(KeyType type, char prefix, uint64_t number) const;
  int64_t number(KeyType type, char prefix, std::string_view key, uint64_t count) const;
  const WorkloadOptions options_;
};

}  // namespace daos::simulator
