// Are committed transactions explainable by one order? Judged by dependency cycles.
//
// After Adya ("Weak Consistency", 1999) and Elle (Kingsbury and Alvaro, 2020): writes are unique,
// so what a read saw tells which transaction it depends on (wr), which it precedes (rw: it missed
// that one's write), and how writes of one key follow each other (ww). A cycle is an anomaly; which
// edges it needs gives its name.
//
// Lists:     a value is a list that transactions append unique elements to; a read of a longer list
//            tells the order of all writes before it.
// Registers: a transaction that reads a key and then writes it tells the order of two writes;
//            others leave the order open, and less is found.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace daos::simulator {

enum class AccessKind : uint8_t {
  kRead,    // list: `elements` is what was seen, oldest first; register: one element, or none for
            // absent
  kAppend,  // list: adds elements[0]
  kWrite,   // register: becomes elements[0]
};

struct Access {
  AccessKind kind = AccessKind::kRead;
  uint64_t key = 0;
  std::vector<uint64_t> elements;
};

enum class TransactionOutcome : uint8_t { kCommitted, kAborted, kUnknown };

struct Transaction {
  uint64_t id = 0;
  uint64_t invokedNs = 0;
  uint64_t returnedNs = ~uint64_t{0};
  TransactionOutcome outcome = TransactionOutcome::kCommitted;
  std::vector<Access> accesses;  // in program order
};

enum class Dependency : uint8_t { kWriteWrite, kWriteRead, kReadWrite, kRealTime };

struct DependencyEdge {
  uint64_t from = 0;  // transaction ids
  uint64_t to = 0;
  Dependency kind = Dependency::kWriteWrite;
  uint64_t key = 0;
};

// "G0", "G1a", "G1b", "G1c", "G-single", "G2-item", with "-realtime" where only time closes the
// cycle; "internal" (a transaction that does not see itself), "incompatible-order", "duplicate",
// "invented".
struct Anomaly {
  std::string name;
  std::vector<DependencyEdge> cycle;
  std::string explanation;
};

struct SerializabilityOptions {
  bool isRealTime = true;  // strict: an order must also respect time
};

// Empty: serializable as far as the history tells.
std::vector<Anomaly> checkLists(std::span<const Transaction> history,
                                SerializabilityOptions options = {});
std::vector<Anomaly> checkRegisters(std::span<const Transaction> history,
                                    SerializabilityOptions options = {});

}  // namespace daos::simulator
