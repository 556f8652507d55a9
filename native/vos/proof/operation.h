// One step of a history: what is done to a store, as a value that can be printed, parsed and
// shrunk.
//
// Text, one operation a line: a verb, then fields `name=value` in any order, an `akey` field
// beginning a part of its own; a line that begins with an akey belongs to the one before:
//   update object=0:1 dkey=6b31 at=10.2 if=dkeyInsert akey=61 size=100 value=7
//     akey=62 record=8 extents=0+4 value=8 checksums=1:32
//   punch object=0:1 dkey=6b31 at=12 akey=61
//   update object=0:1 dkey=6b31 at=13 transaction=2 akey=61 size=5 value=9
//   commit ids=2
//   fetch object=0:1 dkey=6b31 at=11 akey=61 akey=62 extents=0+10
//   aggregate at=12 budget=20
// An object is type:number, checksums (or wrongChecksums) are type:chunk size. A key is in
// hexadecimal, runs of a byte as `61*65536`, joined by dots.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vos/proof/checksums.h"
#include "vos/requests.h"

namespace daos::vos::proof {

enum class Verb : uint8_t {
  kUpdate,
  kPunch,
  kFetch,
  kQuery,
  kList,      // begins an enumeration: its first page
  kContinue,  // its next page
  kCompare,   // everything that can be read at one epoch
  kReopen,
  kCommit,
  kAbort,
  kForget,     // committed ids of epochs up to one
  kPin,        // makes a snapshot
  kUnpin,      // deletes one
  kAggregate,  // up to `epoch`
  kDiscard,    // from `epochLow` to `epoch`
};

struct AkeyPart {
  std::string akey;
  // Empty: a single value. Ignored by punches.
  std::vector<Extent> extents;
  uint64_t recordSize = 0;  // as in IoDescriptor
  uint64_t value = 0;       // number of the content (pattern.h)
  Conditions conditions = 0;
  ChecksumForm checksums{};  // kUpdate

  bool isArray() const { return !extents.empty(); }
};

struct Operation {
  Verb verb = Verb::kUpdate;
  ObjectId oid;
  std::string dkey;
  std::vector<AkeyPart> akeys;
  Epoch epoch = 0;
  Epoch epochLow = 0;  // kList, kDiscard
  uint16_t minor = 0;
  uint32_t pageSize = 1;  // kList, kContinue: entries of a page
  Conditions conditions = 0;
  uint32_t transaction = 0;  // number of the writer's or reader's; 0: none
  std::vector<uint32_t> ids;  // kCommit, kAbort: numbers of transactions
  uint32_t budget = 100;     // kAggregate, kDiscard, kForget: of a step
  uint32_t stepCount = 0;    // kAggregate: given up after so many; 0: goes to its end
  bool isOnce = false;       // a write that commits its transaction
  bool isRefusing = false;   // kFetch: what is in doubt is refused, not skipped
  bool isTracked = false;    // kFetch
  bool isPending = false;    // kUpdate: by updateBegin and updateEnd
  bool isSizesOnly = false;  // kFetch
  bool isReverse = false;    // kList
  Versions versions = Versions::kVisible;
  Level level = Level::kObject;
  QueryWhat what = QueryWhat::kMaxDkey;

  bool isWrite() const { return verb == Verb::kUpdate || verb == Verb::kPunch; }
  bool namesObject() const {
    return isWrite() || verb == Verb::kFetch || verb == Verb::kQuery || verb == Verb::kList;
  }
  Bytes dkeyBytes() const { return bytesOf(dkey); }
  // Of the first part; empty without one.
  Bytes akeyBytes() const { return akeys.empty() ? Bytes{} : bytesOf(akeys[0].akey); }
};

// The id of transaction `number`; nil for 0.
TransactionId transactionId(uint32_t number);
// The object number `number` of a type.
ObjectId makeObject(uint8_t type, uint64_t number);

std::string toText(const Operation& operation);
std::string toText(std::span<const Operation> history);
std::string keyText(std::string_view key);
// DER_INVAL names what is wrong.
Result<Operation> parseOperation(std::string_view line);
// Empty lines and lines that begin with # are skipped; an error holds its line.
Result<std::vector<Operation>> parseHistory(std::string_view text);

// The descriptors of an operation's parts; they borrow from it.
std::vector<IoDescriptor> descriptorsOf(const Operation& operation);

}  // namespace daos::vos::proof
