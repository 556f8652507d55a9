// What clients did and saw, as the checkers take it: operations on the cells of a group.
//
// A group is what one operation can change atomically (a dkey: its akeys and the records of its
// arrays); a cell is one register of it. Value 0 means absent; every write of a run carries a value
// of its own, except for flags such as "this dkey exists". A condition that held or failed is a
// guard like a read.
//
// Invariant: guards hold in the state just before the operation's writes take effect, all at one
// instant
//            between invokedNs and returnedNs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace daos::simulator {

using CellId = uint32_t;
using CellValue = uint64_t;
inline constexpr CellValue kAbsent = 0;
inline constexpr uint64_t kOutcomeUnknown = ~uint64_t{0};

struct CellGuard {
  CellId cell = 0;
  CellValue value = kAbsent;
  bool isNegated = false;  // the cell held anything but `value`
};

struct CellWrite {
  CellId cell = 0;
  CellValue value = kAbsent;
};

struct Operation {
  uint64_t id = 0;  // names it in reports and in the trace
  uint32_t client = 0;
  uint64_t invokedNs = 0;
  // kOutcomeUnknown: never answered; it may have taken effect at any time after invokedNs, or not
  // at all.
  uint64_t returnedNs = kOutcomeUnknown;
  std::vector<CellGuard> guards;
  // Of each of these lists, at least one cell was not absent ("the dkey exists").
  std::vector<std::vector<CellId>> anyPresent;
  std::vector<CellWrite> writes;

  bool isKnown() const { return returnedNs != kOutcomeUnknown; }
};

// Operations on the cells of one group, in any order.
using History = std::vector<Operation>;

// "write 17 by client 2 [1000, 2000): 3=17", for reports.
std::string describe(const Operation& operation);

}  // namespace daos::simulator
