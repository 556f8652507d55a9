// What an enumeration returns, as values: from a container, and from the model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vos/proof/reference_model.h"
#include "vos/vos.h"

namespace daos::vos::proof {

// An Entry that owns its key.
struct Listed {
  EntryKind kind = EntryKind::kObject;
  ObjectId oid;
  std::string key;
  Extent extent;
  Epoch epoch = 0;
  uint16_t minor = 0;
  bool isHole = false;
  bool isInDoubt = false;
  ValueType valueType = ValueType::kSingle;
  uint64_t recordSize = 0;

  bool operator==(const Listed&) const = default;
};
std::string toText(const Listed& entry);

// What an enumeration is about, owned.
struct Listing {
  Level level = Level::kObject;
  ObjectId oid;
  std::string dkey;
  std::string akey;
  EpochRange epochs;
  Versions versions = Versions::kVisible;
  bool isReverse = false;
  uint32_t reader = 0;  // number of a transaction

  static Listing of(const Operation& operation);
  EnumerateRequest request() const;
  // Whether entries come in an order that the contract names.
  bool isOrdered() const;
};

// At most `pageSize` entries from `anchor` on.
Result<std::vector<Listed>> listPage(Container& container, const Listing& listing,
                                     uint32_t pageSize, Anchor& anchor);
// All entries, by pages of `pageSize`. DER_MISC when an enumeration makes no progress.
Result<std::vector<Listed>> listAll(Container& container, const Listing& listing,
                                    uint32_t pageSize);

// What the model says the enumeration returns, in the listing's order or, without one, sorted.
std::vector<Listed> expectedEntries(const ReferenceModel& model, const Listing& listing);

// Brings entries into the form of expectedEntries: what the store is free in (where it cuts
// extents, the order of what has none, what aggregation may change) becomes the same.
void normalise(const ReferenceModel& model, const Listing& listing, std::vector<Listed>& entries);
// Without what aggregation has made the store's own business; nothing when that is all of it.
std::optional<Listing> comparable(const ReferenceModel& model, Listing listing);

}  // namespace daos::vos::proof
