// Finding an object or key to write beneath, or preparing to make it.
//
// What is missing is made bottom up: its record first, then what goes beneath it, and last its
// entry in the tree above. Then all stores to what is there already come after all allocations and
// share a fence.
//
// Life of a place: find; make() where isNew; write beneath; link() where isNew.
#pragma once

#include "vos/key_tree.h"
#include "vos/object_tree.h"
#include "vos/state.h"

namespace daos::vos {

class ObjectPlace {
 public:
  // DER_DF_INVAL.
  Status find(ContainerState& container, const ObjectId& oid);
  bool isNew() const { return !record_; }
  ObjectRecord* record() { return made_ ? made_ : record_; }
  Status make(WriteScope& scope);
  Status link(WriteScope& scope);

 private:
  ObjectId oid_;
  ObjectRecord* record_ = nullptr;
  ObjectRecord* made_ = nullptr;
  TreePath path_;
};

class KeyPlace {
 public:
  KeyPlace(KeyType type, Bytes key) : type_(type), key_(type, key) {}
  // In the tree at `root`, which must stay until link().
  Status find(const Arena& arena, uint64_t* root);
  // The same of a dkey, in the object's tree.
  Status findDkey(ContainerState& container, ObjectRecord& object);
  // Nothing above is there.
  void setMissing() { record_ = nullptr; }
  bool isNew() const { return !record_; }
  KeyRecord* record() { return made_ ? made_ : record_; }
  Status make(WriteScope& scope, RecordKind kind, uint32_t recordSize);
  // `root`: of the tree the key goes to; it was empty or missing, or is the one of find().
  // `nearby`: what a reader of the key will most likely read next; 0: nothing in particular.
  Status link(WriteScope& scope, uint64_t* root, Offset nearby = 0);
  Status linkDkey(WriteScope& scope, ObjectRecord& object, Offset nearby = 0);

 private:
  uint64_t hash() const {
    return type_ == KeyType::kHashed ? key_.prefix : hashKey(key_.bytes);
  }

  KeyType type_;
  SearchKey key_;
  KeyRecord* record_ = nullptr;
  KeyRecord* made_ = nullptr;
  uint64_t item_ = 0;  // that was linked
  TreePath path_;
};

}  // namespace daos::vos
