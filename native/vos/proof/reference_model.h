// What a container must answer: a plain model of it that keeps a list of all writes and looks
// everything up anew.
//
// Written from the contract in vos/vos.h and vos/requests.h alone. It knows nothing of trees,
// memory or durability, and is slow on purpose: every answer is worked out from the writes, nothing
// is kept.
//
// Aggregation is what no reader may notice: the model keeps all writes and only remembers up to
// where it went, and with that which reads are refused and what can no longer be told apart.
//
// Invariant: a write is never changed once it is in, but that its transaction is committed; only a
//            write of the same stamp to the same place takes its place.
#pragma once

#include <map>
#include <optional>
#include <set>
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
  uint32_t transaction = 0;  // that has not been committed
  Extent extent;            // an array's
  uint64_t recordSize = 0;  // of a single value its size; 0: punched
  uint64_t value = 0;       // the content: pattern `value` from `offset` on
  uint64_t offset = 0;
  ChecksumForm checksums{};

  bool isData() const { return recordSize != 0; }
};

// A stretch of an array, and what a read sees of it; null where nothing was written.
struct ModelPiece {
  Extent extent;
  const ModelWrite* write = nullptr;

  bool isData() const { return write && write->isData(); }
};

struct ModelPunch {
  ModelStamp stamp;
  uint32_t transaction = 0;
};
using ModelPunches = std::vector<ModelPunch>;

// Whose eyes a read has; an epoch alone: those of nobody in particular.
struct ModelView {
  Epoch epoch = 0;
  uint32_t reader = 0;  // the transaction whose uncommitted writes are seen too
  uint32_t other = 0;   // one more such
  ModelView(Epoch of, uint32_t by = 0, uint32_t with = 0) : epoch(of), reader(by), other(with) {}
  bool sees(const ModelStamp& stamp, uint32_t transaction) const {
    const bool isKnown = transaction == 0 || transaction == reader || transaction == other;
    return isKnown && stamp.epoch <= epoch;
  }
};

struct ModelAkey {
  ModelPunches punches;
  // What a reader sees last comes first: by stamp, extents of one stamp by where they start.
  std::vector<ModelWrite> writes;
  bool isArray = false;
  uint64_t recordSize = 0;  // an array's, once known
  // Whether the store may not know it any more: all its data may have been dropped before a hole
  // was written.
  bool isRecordSizeUncertain = false;
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
  // May come instead, where the store is free to be careful.
  std::vector<ErrorCode> possible;
  bool permits(ErrorCode code) const;
  std::string toText() const;
};

class ReferenceModel {
 public:
  // --- writing

  // With which codes the operation may end, from what is stored now.
  Verdict judge(const Operation& operation) const;
  // Carries out an operation that succeeded.
  void apply(const Operation& operation);
  // A fetch that was to be remembered has been answered.
  void noteRead(const Operation& fetch);
  // The store was opened anew: it remembers no reads.
  void forgetReads() {
    reads_.clear();
    hasReads_ = false;
  }

  // --- reading; a null pointer stands for nothing of that name

  const std::map<ObjectId, ModelObject>& objects() const { return objects_; }
  const ModelObject* object(const ObjectId& oid) const;
  const ModelDkey* dkey(const ObjectId& oid, const std::string& name) const;
  const ModelAkey* akey(const ObjectId& oid, const std::string& dkey,
                        const std::string& name) const;

  // What punches of the object, dkey and akey hide from a read.
  Hidden hiddenAt(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                  ModelView view) const;

  // Whether any data is visible at `range.high` that was written at or after `range.low`.
  bool isVisible(const ObjectId& oid, const EpochRange& range, uint32_t reader = 0) const;
  bool isVisible(const ObjectId& oid, const std::string& dkey, const EpochRange& range,
                 uint32_t reader = 0) const;
  bool isVisible(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                 const EpochRange& range, uint32_t reader = 0) const;

  // Of the last aggregation; 0 without one.
  Epoch aggregatedEpoch() const { return aggregated_; }
  // Whether one was given up before its end, and none has come to its end since.
  bool isPartlyAggregated() const { return isPartlyAggregated_; }
  // False when a name may have been dropped or not, and its type with it.
  bool areTypesCertain() const { return areTypesCertain_; }
  bool isReadable(Epoch epoch) const { return epoch >= aggregated_ || pins_.contains(epoch); }
  const std::set<Epoch>& pins() const { return pins_; }
  // Versions of up to the last aggregation may have been merged with others up to the next pin: the
  // epoch that stands for all of them.
  Epoch mergedEpoch(Epoch epoch) const;
  // Transactions that have prepared something, with the least epoch of theirs.
  const std::map<uint32_t, Epoch>& prepared() const { return prepared_; }
  const std::map<uint32_t, Epoch>& committed() const { return committed_; }
  // The greatest that was ever named.
  uint32_t transactionMax() const { return transactionMax_; }
  // Whether a read at `epoch` by `reader` meets an uncommitted write of another beneath the object.
  bool isInDoubt(const ObjectId& oid, Epoch epoch, uint32_t reader) const;

 private:
  struct Read {
    ObjectId oid;
    std::string dkey;
    std::string akey;
    ModelView view;
  };
  void judgeEpoch(const Operation& operation, Verdict& verdict) const;
  void judgeTransaction(const Operation& operation, Verdict& verdict) const;
  void judgeStamps(const Operation& operation, Verdict& verdict) const;
  void judgeReads(const Operation& operation, Verdict& verdict) const;
  Verdict judgeHistory(const Operation& operation) const;
  void settle(const Operation& operation);
  void aggregate(const Operation& operation);
  bool isBackToPin(const Operation& discard) const;
  void discard(const Operation& operation);
  void dropEmpty();
  // What the store has dropped, or may have: seen at no pin.
  bool isDead(const ObjectId& oid, const std::string& dkey, const std::string& akey) const;
  // The store may have dropped all of it, and its type: aggregation keeps no hole above nothing,
  // and one that was given up may have come this far.
  bool mayBeForgotten(const ObjectId& oid, const std::string& dkey, const std::string& akey) const;
  bool isSeenAt(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                const ModelWrite& write, Epoch pin) const;
  template <typename Visit>
  void visitPunches(Visit&& visit);
  template <typename Visit>
  void visitAkeys(Visit&& visit);

  void judgeValidity(const Operation& operation, Verdict& verdict) const;
  void judgeConditions(const Operation& operation, Verdict& verdict) const;
  void judgeKinds(const Operation& operation, Verdict& verdict) const;
  void judgeRecordSizes(const Operation& operation, Verdict& verdict) const;
  void applyUpdate(const Operation& operation);
  void applyPunch(const Operation& operation);

  std::map<ObjectId, ModelObject> objects_;
  std::map<uint32_t, Epoch> prepared_;
  std::map<uint32_t, Epoch> committed_;
  uint32_t transactionMax_ = 0;
  std::set<Epoch> pins_;
  Epoch aggregated_ = 0;
  bool isPartlyAggregated_ = false;
  bool areTypesCertain_ = true;
  bool hasReads_ = false;  // also such as are not in reads_
  Epoch newest_ = 0;
  std::vector<Read> reads_;
};

// The newest version of a single value that a read sees; null when that is none or a punch.
const ModelWrite* visibleSingle(const ModelAkey& akey, Hidden hidden, ModelView view);
// `range` of an array as a read sees it, gapless, in order; neighbours of one write are one piece.
std::vector<ModelPiece> visiblePieces(const ModelAkey& akey, Hidden hidden, ModelView view,
                                      Extent range);
inline constexpr Extent kWholeArray = {0, kExtentEndMax};

// Whether `a` comes before `b` among keys of that type. Hashed keys have no order; theirs is the
// bytes'.
bool isKeyBefore(KeyType type, const std::string& a, const std::string& b);

}  // namespace daos::vos::proof
