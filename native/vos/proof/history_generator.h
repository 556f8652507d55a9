// Random histories over small spaces of names, so that operations meet.
#pragma once

#include <string>
#include <vector>

#include "runtime/random.h"
#include "vos/proof/operation.h"

namespace daos::vos::proof {

// How epochs of a history's writes follow on each other.
enum class EpochOrder : uint8_t {
  kRising,     // as a server with a good clock stamps them, with an old one now and then
  kScattered,  // any of a few dozen, equal ones often
  kWide,       // any of 63 bits
};

// What a history is made of; different shapes reach different corners.
struct HistoryShape {
  std::vector<ObjectId> objects;
  uint32_t dkeyCount = 3;
  uint32_t akeyCount = 3;
  bool hasLongKeys = false;
  EpochOrder epochs = EpochOrder::kScattered;
  // Of 100 updates, how many are of arrays.
  uint32_t arrayPercent = 50;
  // Records of an array lie below it, mostly.
  uint64_t indexMax = 100;
  uint64_t valueSizeMax = 64;
  // Of 100 operations, how many are punches.
  uint32_t punchPercent = 10;
  // Of 1000 operations, how many compare everything, and how many reopen the pool.
  uint32_t comparePermille = 10;
  uint32_t reopenPermille = 5;
  // Of 100 writes and reads, how many are of a transaction; and of 1000 operations, how many
  // aggregate, discard, make or delete a snapshot.
  uint32_t transactionPercent = 0;
  uint32_t reducePermille = 0;
  // Of 100 akeys written, how many bring checksums; mostly of one form, so that they can be merged.
  uint32_t checksumPercent = 0;
  uint8_t checksumType = 1;
  uint32_t recordsPerChunk = 1;
  // Whether reads are remembered.
  bool hasTracking = false;

  static HistoryShape choose(Random& random);
};

class HistoryGenerator {
 public:
  // `random` is borrowed.
  HistoryGenerator(const HistoryShape& shape, Random& random) : shape_(shape), random_(random) {}

  Operation next();
  // An update or a punch.
  Operation nextWrite();

 private:
  Operation makeUpdate();
  Operation makePunch();
  Operation makeFetch();
  Operation makeQuery();
  Operation makeList();
  Operation makeCompare();
  Operation makeReduction();
  Operation makeSettling(size_t idCountMax);
  void chooseTransaction(Operation& operation);
  Operation calmed(Operation write);
  void addUpdateParts(Operation& operation);
  AkeyPart makePart();
  ChecksumForm makeChecksums(const AkeyPart& part);
  Extent makeExtent();
  void chooseNames(Operation& operation);
  void chooseWriteEpoch(Operation& operation);
  Epoch chooseReadEpoch();
  Conditions chooseConditions(std::span<const Condition> from);
  std::string makeKey(KeyType type, uint32_t count, char level);
  uint64_t chooseSize();
  // True `percent` times of 100.
  bool chance(uint32_t percent) { return random_.chance(percent, 100); }

  const HistoryShape shape_;
  Random& random_;
  ObjectId oid_;  // of the operation being made
  bool hasReduced_ = false;  // since the last operation: a comparison shows what came of it
  Epoch newest_ = 100;
  Epoch floor_ = 0;          // about where the last aggregation was
  std::vector<Epoch> pins_;  // some of them gone
  std::vector<uint32_t> active_;
  uint32_t transactionCount_ = 0;
  uint64_t valueCount_ = 0;
};

// The history of `seed`: the same for the same arguments.
std::vector<Operation> makeHistory(uint64_t seed, size_t count);

}  // namespace daos::vos::proof
