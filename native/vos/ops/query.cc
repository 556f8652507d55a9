// Query: the greatest or least visible dkey, akey or extent.
#include "vos/ops/check_request.h"
#include "vos/ops/conditions.h"
#include "vos/ops/extent_list.h"
#include "vos/ops/named.h"
#include "vos/ops/tracking.h"

namespace daos::vos {

namespace {

class QueryOperation {
 public:
  QueryOperation(ContainerState& container, const QueryRequest& request)
      : container_(container), arena_(container.arena), request_(request),
        view_{request.read.epoch, container.transactions.numberOf(request.read.transaction),
              request.read.inDoubt, 0}, lookup_(view_) {}

  Status run();
  QueryResult take() { return std::move(result_); }

 private:
  bool isMax() const {
    return request_.what == QueryWhat::kMaxDkey || request_.what == QueryWhat::kMaxAkey ||
           request_.what == QueryWhat::kMaxExtent;
  }
  // kFound when the question is answered at or beneath the level.
  Result<Outcome> atObject(ObjectRecord& object);
  Result<Outcome> atDkey(KeyRecord& dkey, Stamp hidden);
  Result<Outcome> atAkey(KeyRecord& akey, Stamp hidden);
  Outcome extentOf(KeyRecord& akey, Stamp hidden);
  template <typename Visit>
  Result<Outcome> visitKeys(uint64_t* root, Visit&& visit);
  template <typename Visit>
  Result<Outcome> visitNamedOrAll(uint64_t* root, KeyType type, Bytes name, Visit&& visit);

  ContainerState& container_;
  const Arena& arena_;
  const QueryRequest& request_;
  const View view_;
  Lookup lookup_;
  QueryResult result_;
};

void copyKey(const KeyRecord& key, std::vector<std::byte>* to) {
  to->assign(key.key(), key.key() + key.keySize());
}

// All keys, the best first, until one answers.
template <typename Visit>
Result<Outcome> QueryOperation::visitKeys(uint64_t* root, Visit&& visit) {
  TreePath path;
  isMax() ? seekLast(arena_, root, path) : seekFirst(arena_, root, path);
  for (bool more = !path.isDamaged && path.slot(); more;
       more = isMax() ? previousItem(arena_, path) : nextItem(arena_, path)) {
    KeyRecord* key = keyRecordAt(arena_, path.item());
    if (!key) return damagedRecord("key");
    DAOS_TRY(const Outcome outcome, visit(*key));
    if (outcome != Outcome::kNone) return outcome;
  }
  if (path.isDamaged) return damagedTree();
  return Outcome::kNone;
}

template <typename Visit>
Result<Outcome> QueryOperation::visitNamedOrAll(uint64_t* root, KeyType type, Bytes name,
                                                Visit&& visit) {
  if (name.empty()) return visitKeys(root, visit);
  TreePath path;
  KeyTree::seek(type, arena_, root, SearchKey(type, name), path);
  if (path.isDamaged) return damagedTree();
  if (!path.isFound) return Outcome::kNone;
  KeyRecord* key = keyRecordAt(arena_, path.item());
  if (!key) return damagedRecord("key");
  return visit(*key);
}

Outcome QueryOperation::extentOf(KeyRecord& akey, Stamp hidden) {
  const ExtentClasses classes = ExtentClasses::of(arena_, akey);
  if (classes.isEmpty()) return Outcome::kNone;
  ExtentPiece piece;
  Outcome outcome;
  if (isMax()) {
    ReversePieces pieces(arena_, classes, kExtentEndMax, lookup_, hidden);
    outcome = pieces.next(&piece);
  } else {
    container_.sweep.start(arena_, classes, {0, kExtentEndMax}, lookup_, hidden);
    do {
      outcome = container_.sweep.next(&piece);
    } while (outcome == Outcome::kFound && !piece.isData());
  }
  if (outcome != Outcome::kFound) return outcome;
  result_.extent = {piece.index, piece.count};
  result_.recordSize = akey.recordSize;
  return outcome;
}

Result<Outcome> QueryOperation::atAkey(KeyRecord& akey, Stamp hidden) {
  if (!akey.isAkey()) return damagedRecord("akey");
  Outcome outcome;
  if (request_.what == QueryWhat::kMaxAkey || request_.what == QueryWhat::kMinAkey) {
    outcome = lookup_.akeyExists(arena_, akey, hidden);
  } else {
    outcome = lookup_.applyPunches(arena_, akey, &hidden);
    if (!isFailure(outcome)) {
      outcome = akey.kind == RecordKind::kArray ? extentOf(akey, hidden) : Outcome::kNone;
    }
  }
  DAOS_CHECK(asStatus(outcome));
  if (outcome == Outcome::kFound) copyKey(akey, &result_.akey);
  return outcome;
}

Result<Outcome> QueryOperation::atDkey(KeyRecord& dkey, Stamp hidden) {
  if (dkey.kind != RecordKind::kDkey) return damagedRecord("dkey");
  Result<Outcome> outcome = Outcome::kNone;
  if (request_.what == QueryWhat::kMaxDkey || request_.what == QueryWhat::kMinDkey) {
    outcome = lookup_.dkeyExists(arena_, dkey, hidden);
    DAOS_CHECK(asStatus(*outcome));
  } else {
    DAOS_CHECK(asStatus(lookup_.applyPunches(arena_, dkey, &hidden)));
    uint64_t* root = childOf(arena_, dkey);
    if (!root) return damagedRecord("dkey");
    outcome = visitNamedOrAll(root, request_.oid.akeyType(), request_.akey,
                              [&](KeyRecord& akey) { return atAkey(akey, hidden); });
    if (!outcome.ok()) return outcome;
  }
  if (*outcome == Outcome::kFound) copyKey(dkey, &result_.dkey);
  return outcome;
}

Result<Outcome> QueryOperation::atObject(ObjectRecord& object) {
  Stamp hidden = kNothingHidden;
  DAOS_CHECK(asStatus(lookup_.applyPunches(arena_, &object.punches, &hidden)));
  return visitNamedOrAll(&object.dkeys, request_.oid.dkeyType(), request_.dkey,
                         [&](KeyRecord& dkey) { return atDkey(dkey, hidden); });
}

Status QueryOperation::run() {
  DAOS_CHECK(request_.oid.validate());
  const bool needsDkeyOrder = request_.dkey.empty();
  const bool isDkeyQuery =
      request_.what == QueryWhat::kMaxDkey || request_.what == QueryWhat::kMinDkey;
  const bool needsAkeyOrder = !isDkeyQuery && request_.akey.empty();
  if ((needsDkeyOrder && request_.oid.dkeyType() == KeyType::kHashed) ||
      (needsAkeyOrder && request_.oid.akeyType() == KeyType::kHashed)) {
    return invalid("keys of a hashed object have no greatest or least");
  }
  if (!request_.dkey.empty())
    DAOS_CHECK(validateKey(request_.dkey, request_.oid.dkeyType(), "dkey"));
  if (!request_.akey.empty())
    DAOS_CHECK(validateKey(request_.akey, request_.oid.akeyType(), "akey"));
  Named named;
  DAOS_CHECK(findNamed(container_, request_.oid, {}, {}, lookup_, &named));
  if (named.object) {
    DAOS_TRY(const Outcome outcome, atObject(*named.object));
    if (outcome == Outcome::kFound) return {};
  }
  return Error(ErrorCode::kNonexist, "there is nothing to take the maximum or minimum of");
}

}  // namespace

Result<QueryResult> Container::query(const QueryRequest& request) {
  DAOS_CHECK(checkReadEpoch(state_, request.read.epoch));
  if (request.read.isTracked) trackQuery(state_, request);
  QueryOperation operation(state_, request);
  DAOS_CHECK(operation.run());
  return operation.take();
}

}  // namespace daos::vos
