// What a container must answer: a plain model of it that keeps a list of all writes and looks
// everything up anew.
//
// Written from the contract in vos/vos.h and vos/requests.h alone. It knows nothing of trees,
// memory or durability, and is slow on purpose: every answer is worked out from the writes, nothing
// is kept.
//
// Invariant: a write is never changed once it is in; only a write of the same stamp to the same
// place
//            takes its place.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vos/proof/operation.h"

namespace daos::vos::proof {

struct ModelStamp {
  Epoch epoch = 0;
  uint16_t minor = 0;
  auto operator<=>(const ModelStamp&) const = default;
};

// A version of a single value, or an extent.
struct ModelWrite {
  ModelStamp stamp;
  Extent extent;            // an array's
  uint64_t recordSize = 0;  // of a single value its size; 0: punched
  uint64_t value = 0;       // the content: pattern `value` from `offset` on
  uint64_t offset = 0;

  bool isData() const { return recordSize != 0; }
};

// A stretch of an array, and what a read sees of it; null where nothing was written.
struct ModelPiece {
  Extent extent;
  const ModelWrite* write = nullptr;

  bool isData() const { return write && write->isData(); }
};

using ModelPunches = std::vector<ModelStamp>;

struct ModelAkey {
  ModelPunches punches;
  // What a reader sees last comes first: by stamp, extents of one stamp by where they start.
  std::vector<ModelWrite> writes;
  bool isArray = false;
  uint64_t recordSize = 0;  // an array's, once known
};

struct ModelDkey {
  ModelPunches punches;
  std::map<std::string, ModelAkey> akeys;
};

struct ModelObject {
  ModelPunches punches;
  std::map<std::string, ModelDkey> dkeys;
};

// What was punched at or before an epoch: everything stamped at or below is hidden.
using Hidden = std::optional<ModelStamp>;

// The codes with which a call may end.
struct Verdict {
  std::vector<ErrorCode> allowed;
  bool permits(ErrorCode code) const;
  std::string toText() const;
};

class ReferenceModel {
 public:
  // --- writing

  // With which codes the update, punch or fetch may end, from what is stored now.
  Verdict judge(const Operation& operation) const;
  // Carries out an update or punch that succeeded.
  void apply(const Operation& operation);

  // --- reading; a null pointer stands for nothing of that name

  const std::map<ObjectId, ModelObject>& objects() const { return objects_; }
  const ModelObject* object(const ObjectId& oid) const;
  const ModelDkey* dkey(const ObjectId& oid, const std::string& name) const;
  const ModelAkey* akey(const ObjectId& oid, const std::string& dkey,
                        const std::string& name) const;

  // What punches of the object, dkey and akey hide from a read at `epoch`.
  Hidden hiddenAt(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                  Epoch epoch) const;

  // Whether any data is visible at `range.high` that was written at or after `range.low`.
  bool isVisible(const ObjectId& oid, const EpochRange& range) const;
  bool isVisible(const ObjectId& oid, const std::string& dkey, const EpochRange& range) const;
  bool isVisible(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                 const EpochRange& range) const;

 private:
  void judgeValidity(const Operation& operation, Verdict& verdict) const;
  void judgeConditions(const Operation& operation, Verdict& verdict) const;
  void judgeKinds(const Operation& operation, Verdict& verdict) const;
  void judgeRecordSizes(const Operation& operation, Verdict& verdict) const;
  void applyUpdate(const Operation& operation);
  void applyPunch(const Operation& operation);

  std::map<ObjectId, ModelObject> objects_;
};

// The newest version of a single value that a read at `epoch` sees; null when that is none or a
// punch.
const ModelWrite* visibleSingle(const ModelAkey& akey, Hidden hidden, Epoch epoch);
// `range` of an array as a read at `epoch` sees it, gapless, in order; neighbours of one write are
// one piece.
std::vector<ModelPiece> visiblePieces(const ModelAkey& akey, Hidden hidden, Epoch epoch,
                                      Extent range);
inline constexpr Extent kWholeArray = {0, kExtentEndMax};

// Whether `a` comes before `b` among keys of that type. Hashed keys have no order; theirs is the
// bytes'.
bool isKeyBefore(KeyType type, const std::string& a, const std::string& b);

}  // namespace daos::vos::proof
