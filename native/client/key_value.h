// An object as a flat store of keys and values. The layout is that of DAOS's key-value objects.
//
// A key is a dkey, its value the single value under akey "0". Each operation on a key is atomic.
#pragma once

#include "client/object.h"

namespace daos::client {

struct KeyValueOptions {
  // kDkeyInsert, kDkeyUpdate (put), kDkeyFetch (get), kDkeyPunch (remove).
  Conditions conditions = 0;
  Epoch epoch = 0;         // 0: now, or the newest
  uint64_t timeoutNs = 0;  // 0: the context's
};

class KeyValue {
 public:
  explicit KeyValue(std::shared_ptr<Object> object) : object_(std::move(object)) {}

  Object& object() const { return *object_; }

  // Replaces the value of `key`. DER_INVAL for an empty value: it could not be told from none.
  // DER_EXIST, DER_NONEXIST by conditions.
  Task<Result<Epoch>> put(Bytes key, Bytes value, KeyValueOptions options = {}) const;
  // Reads into `room`; answers the value's size, 0 where there is none. Without room the size only.
  // DER_REC2BIG when the value is larger than the room: size() tells by how much.
  Task<Result<uint64_t>> get(Bytes key, MutableBytes room, KeyValueOptions options = {}) const;
  Task<Result<uint64_t>> size(Bytes key, KeyValueOptions options = {}) const {
    return get(key, {}, options);
  }
  // Deletes a key; an absent one is no error unless by condition.
  Task<Result<Epoch>> remove(Bytes key, KeyValueOptions options = {}) const;
  // Deletes all keys.
  Task<Result<Epoch>> clear(KeyValueOptions options = {}) const;
  // Some keys after `anchor`, which moves on; in order where keys are lexical or integers and the
  // object lies on one target.
  Task<Result<std::vector<std::string>>> list(EnumerationAnchor& anchor, uint32_t countMax,
                                              KeyValueOptions options = {}) const;

 private:
  std::shared_ptr<Object> object_;
};

}  // namespace daos::client
