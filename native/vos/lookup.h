// Finding things as of an epoch: versions, punches, keys, and whether something exists.
//
// Reading only; every function looks at what is stored and nothing else.
#pragma once

#include "vos/key_tree.h"
#include "vos/object_tree.h"
#include "vos/requests.h"
#include "vos/version_set.h"

namespace daos::vos {

// Whose eyes a read has.
struct View {
  Epoch epoch = kEpochMax;
  uint32_t transaction = 0;  // whose uncommitted writes are seen too; 0: none
  InDoubt inDoubt = InDoubt::kRefuse;
  // Only what was written at or after this counts as existing.
  Epoch epochLow = 0;
};

enum class Outcome : uint8_t { kFound, kNone, kBlocked, kDamaged };

// What is hidden by punches: everything up to and with this stamp. Epochs begin at 1.
inline constexpr Stamp kNothingHidden{0, 0xffff};

// An answer and, when it is kBlocked, who is in the way.
struct Lookup {
  const View& view;
  uint32_t blocker = 0;
  explicit Lookup(const View& of) : view(of) {}

  // The newest version of the set that the view sees and that is after `hidden`.
  Outcome newest(const Arena& arena, uint64_t* root, const Stamp& hidden, VersionRecord** version);
  // Raises *hidden to the newest punch that the view sees. kFound or kNone: done.
  Outcome applyPunches(const Arena& arena, uint64_t* root, Stamp* hidden);
  Outcome applyPunches(const Arena& arena, KeyRecord& key, Stamp* hidden);

  // Whether there is visible data beneath, where `hidden` is what the levels above hide.
  Outcome akeyExists(const Arena& arena, KeyRecord& akey, Stamp hidden);
  Outcome dkeyExists(const Arena& arena, KeyRecord& dkey, Stamp hidden);
  Outcome objectExists(const Arena& arena, ObjectRecord& object);

 private:
  Outcome seesVersion(const VersionRecord& version);
  Outcome arrayExists(const Arena& arena, KeyRecord& akey, Stamp hidden);
};

// The word that holds a key's child, and its punches' (null when it has none).
uint64_t* childOf(const Arena& arena, KeyRecord& key);
uint64_t* punchesOf(const Arena& arena, KeyRecord& key);

// The extent trees of an array akey, by class of length.
struct ExtentClasses {
  uint64_t mask = 0;
  uint64_t* roots = nullptr;  // of the classes in the mask, in order
  bool isDamaged = false;

  bool isEmpty() const { return mask == 0 && !isDamaged; }
  static ExtentClasses of(const Arena& arena, KeyRecord& akey);
  uint64_t* rootOf(unsigned extentClass) const;
};

}  // namespace daos::vos
