// Transactions, reads that are remembered, snapshots, aggregation and discard of the model.
#include <algorithm>

#include "vos/proof/reference_model.h"

namespace daos::vos::proof {

template <typename Visit>
void ReferenceModel::visitPunches(Visit&& visit) {
  for (auto& [oid, object] : objects_) {
    visit(object.punches);
    for (auto& [name, dkey] : object.dkeys) {
      visit(dkey.punches);
      for (auto& [akeyName, akey] : dkey.akeys) visit(akey.punches);
    }
  }
}

template <typename Visit>
void ReferenceModel::visitAkeys(Visit&& visit) {
  for (auto& [oid, object] : objects_) {
    for (auto& [name, dkey] : object.dkeys) {
      for (auto& [akeyName, akey] : dkey.akeys) visit(oid, name, akeyName, akey);
    }
  }
}

Epoch ReferenceModel::mergedEpoch(Epoch epoch) const {
  if (epoch == 0 || epoch > aggregated_) return epoch;
  const auto pin = pins_.lower_bound(epoch);
  return pin == pins_.end() ? aggregated_ : std::min(*pin, aggregated_);
}

// --- judging

void ReferenceModel::judgeEpoch(const Operation& operation, Verdict& verdict) const {
  const Epoch written = pins_.empty() ? aggregated_ : std::max(aggregated_, *pins_.rbegin());
  const bool isOld =
      operation.isWrite() ? operation.epoch <= written : !isReadable(operation.epoch);
  if (isOld) verdict.allowed.push_back(ErrorCode::kEpOld);
}

void ReferenceModel::judgeTransaction(const Operation& operation, Verdict& verdict) const {
  if (operation.transaction == 0) return;
  if (committed_.contains(operation.transaction)) verdict.allowed.push_back(ErrorCode::kAlready);
  if (operation.isOnce && prepared_.contains(operation.transaction)) {
    verdict.allowed.push_back(ErrorCode::kInval);
  }
}

// What has the same stamp and place must be of the same transaction.
void ReferenceModel::judgeStamps(const Operation& operation, Verdict& verdict) const {
  const ModelStamp stamp = {operation.epoch, operation.minor};
  const uint32_t writer = operation.isOnce ? 0 : operation.transaction;
  const auto meet = [&](const ModelStamp& other, uint32_t transaction) {
    if (other != stamp || transaction == writer) return;
    verdict.allowed.push_back(transaction != 0 ? ErrorCode::kTxBusy : ErrorCode::kTxRestart);
  };
  const auto meetPunches = [&](const ModelPunches& punches) {
    for (const ModelPunch& punch : punches) meet(punch.stamp, punch.transaction);
  };
  const ModelObject* objectModel = object(operation.oid);
  const ModelDkey* dkeyModel = dkey(operation.oid, operation.dkey);
  if (operation.verb == Verb::kPunch) {
    if (operation.dkey.empty() && objectModel) meetPunches(objectModel->punches);
    if (!operation.dkey.empty() && operation.akeys.empty() && dkeyModel) {
      meetPunches(dkeyModel->punches);
    }
  }
  for (const AkeyPart& part : operation.akeys) {
    const ModelAkey* stored = akey(operation.oid, operation.dkey, part.akey);
    if (!stored) continue;
    if (operation.verb == Verb::kPunch) meetPunches(stored->punches);
    if (operation.verb == Verb::kPunch || stored->isArray != part.isArray()) continue;
    for (const ModelWrite& write : stored->writes) {
      const bool isSamePlace =
          !part.isArray() || std::find(part.extents.begin(), part.extents.end(), write.extent) !=
                                 part.extents.end();
      if (isSamePlace) meet(write.stamp, write.transaction);
    }
  }
}

// A write of what was read later is refused; the store may take other names for the one read.
void ReferenceModel::judgeReads(const Operation& operation, Verdict& verdict) const {
  for (const Read& read : reads_) {
    const bool isLater = read.view.epoch > operation.epoch;
    const bool isOther = read.view.reader == 0 || read.view.reader != operation.transaction;
    if (!isLater && !(read.view.epoch == operation.epoch && isOther)) continue;
    verdict.possible.push_back(ErrorCode::kTxRestart);
    if (read.oid != operation.oid) continue;
    bool isHit = operation.dkey.empty();
    if (read.dkey == operation.dkey) {
      isHit = isHit || operation.akeys.empty();
      for (const AkeyPart& part : operation.akeys) isHit = isHit || part.akey == read.akey;
    }
    if (isHit) verdict.allowed.push_back(ErrorCode::kTxRestart);
  }
  // A read of the newest is as late as the store thinks it is.
  if (hasReads_) verdict.possible.push_back(ErrorCode::kTxRestart);
}

// Discards all that came after a snapshot.
bool ReferenceModel::isBackToPin(const Operation& discard) const {
  return discard.epochLow != 0 && pins_.contains(discard.epochLow - 1) &&
         discard.epoch >= aggregated_;
}

Verdict ReferenceModel::judgeHistory(const Operation& operation) const {
  Verdict verdict;
  const auto refuse = [&](bool isRefused, ErrorCode code) {
    if (isRefused) verdict.allowed.push_back(code);
  };
  const Epoch epoch = operation.epoch;
  const bool isEdge = epoch == 0 || epoch == kEpochMax;
  switch (operation.verb) {
    case Verb::kCommit:
    case Verb::kAbort:
      for (const uint32_t id : operation.ids) {
        const bool isCommit = operation.verb == Verb::kCommit;
        refuse(isCommit && !prepared_.contains(id) && !committed_.contains(id),
               ErrorCode::kNonexist);
        refuse(!isCommit && committed_.contains(id), ErrorCode::kAlready);
      }
      break;
    case Verb::kPin:
      refuse(isEdge, ErrorCode::kInval);
      refuse(epoch < aggregated_, ErrorCode::kEpOld);
      refuse(pins_.contains(epoch), ErrorCode::kExist);
      break;
    case Verb::kUnpin: refuse(!pins_.contains(epoch), ErrorCode::kNonexist); break;
    case Verb::kAggregate:
      refuse(isEdge, ErrorCode::kInval);
      refuse(epoch < aggregated_, ErrorCode::kEpOld);
      break;
    case Verb::kDiscard:
      refuse(operation.epochLow > epoch, ErrorCode::kInval);
      refuse(operation.epochLow <= aggregated_ && !isBackToPin(operation), ErrorCode::kEpOld);
      break;
    default: break;
  }
  if (verdict.allowed.empty()) verdict.allowed.push_back(ErrorCode::kOk);
  return verdict;
}

bool ReferenceModel::isInDoubt(const ObjectId& oid, Epoch epoch, uint32_t reader) const {
  const ModelObject* found = object(oid);
  if (!found) return false;
  const auto isForeign = [&](const ModelStamp& stamp, uint32_t transaction) {
    return transaction != 0 && transaction != reader && stamp.epoch <= epoch;
  };
  const auto hasForeign = [&](const auto& versions) {
    return std::any_of(versions.begin(), versions.end(), [&](const auto& version) {
      return isForeign(version.stamp, version.transaction);
    });
  };
  if (hasForeign(found->punches)) return true;
  for (const auto& [name, below] : found->dkeys) {
    if (hasForeign(below.punches)) return true;
    for (const auto& [akeyName, under] : below.akeys) {
      if (hasForeign(under.punches) || hasForeign(under.writes)) return true;
    }
  }
  return false;
}

void ReferenceModel::noteRead(const Operation& fetch) {
  const Epoch epoch = fetch.epoch == kEpochMax ? newest_ : fetch.epoch;
  hasReads_ = true;
  for (const AkeyPart& part : fetch.akeys) {
    reads_.push_back({fetch.oid, fetch.dkey, part.akey, {epoch, fetch.transaction}});
  }
}

// --- applying

void ReferenceModel::settle(const Operation& operation) {
  const bool isCommit = operation.verb == Verb::kCommit;
  for (const uint32_t id : operation.ids) {
    const bool isPrepared = prepared_.contains(id);
    if (isCommit && !isPrepared && !committed_.contains(id)) return;
    if (!isCommit && !isPrepared && committed_.contains(id)) return;
    if (!isPrepared) continue;
    if (isCommit) committed_[id] = prepared_[id];
    prepared_.erase(id);
    const auto settleAll = [&](auto& versions) {
      if (!isCommit) {
        std::erase_if(versions, [&](const auto& version) { return version.transaction == id; });
      }
      for (auto& version : versions) {
        if (version.transaction == id) version.transaction = 0;
      }
    };
    visitPunches(settleAll);
    visitAkeys([&](const ObjectId&, const std::string&, const std::string&, ModelAkey& akey) {
      settleAll(akey.writes);
    });
  }
}

// Nothing of it is after the last aggregation, in doubt, or seen at a pin.
bool ReferenceModel::isDead(const ObjectId& oid, const std::string& dkeyName,
                            const std::string& akeyName) const {
  const ModelAkey* found = akey(oid, dkeyName, akeyName);
  if (!found) return true;
  for (const ModelWrite& write : found->writes) {
    if (write.transaction != 0 || write.stamp.epoch > aggregated_) return false;
  }
  if (isVisible(oid, dkeyName, akeyName, {0, aggregated_})) return false;
  return std::none_of(pins_.begin(), pins_.end(), [&](Epoch pin) {
    return pin < aggregated_ && isVisible(oid, dkeyName, akeyName, {0, pin});
  });
}

bool ReferenceModel::mayBeForgotten(const ObjectId& oid, const std::string& dkeyName,
                                    const std::string& akeyName) const {
  const ModelAkey* found = akey(oid, dkeyName, akeyName);
  if (!found || found->writes.empty()) return false;
  if (isPartlyAggregated_ && isDead(oid, dkeyName, akeyName)) return true;
  return std::all_of(found->writes.begin(), found->writes.end(), [&](const ModelWrite& write) {
    return !write.isData() && write.transaction == 0 && write.stamp.epoch <= aggregated_;
  });
}

bool ReferenceModel::isSeenAt(const ObjectId& oid, const std::string& dkeyName,
                              const std::string& akeyName, const ModelWrite& write,
                              Epoch pin) const {
  if (write.stamp.epoch > pin) return false;
  const ModelAkey& found = *akey(oid, dkeyName, akeyName);
  const Hidden hidden = hiddenAt(oid, dkeyName, akeyName, pin);
  if (!found.isArray) {
    for (auto other = found.writes.rbegin(); other != found.writes.rend(); ++other) {
      const bool isNewest = ModelView(pin).sees(other->stamp, other->transaction);
      if (isNewest) return &*other == &write && (!hidden || write.stamp > *hidden);
    }
    return false;
  }
  const auto pieces = visiblePieces(found, hidden, pin, write.extent);
  return std::any_of(pieces.begin(), pieces.end(),
                     [&](const ModelPiece& piece) { return piece.write == &write; });
}

void ReferenceModel::aggregate(const Operation& operation) {
  aggregated_ = std::max(aggregated_, operation.epoch);
  isPartlyAggregated_ = operation.stepCount != 0;
  if (isPartlyAggregated_) areTypesCertain_ = false;
  if (isPartlyAggregated_) return;
  visitAkeys([&](const ObjectId& oid, const std::string& dkeyName, const std::string& akeyName,
                 ModelAkey& akey) {
    if (isDead(oid, dkeyName, akeyName)) return akey.writes.clear();
    const auto isSeen = [&](const ModelWrite& write) {
      if (write.transaction != 0 || write.stamp.epoch > aggregated_) return true;
      if (isSeenAt(oid, dkeyName, akeyName, write, aggregated_)) return true;
      return std::any_of(pins_.begin(), pins_.end(), [&](Epoch pin) {
        return pin < aggregated_ && isSeenAt(oid, dkeyName, akeyName, write, pin);
      });
    };
    std::vector<ModelWrite> kept;
    std::copy_if(akey.writes.begin(), akey.writes.end(), std::back_inserter(kept), isSeen);
    akey.writes = std::move(kept);
  });
  const Epoch first = pins_.empty() ? aggregated_ : std::min(*pins_.begin(), aggregated_);
  const bool isDoubtful = std::any_of(prepared_.begin(), prepared_.end(),
                                      [&](const auto& id) { return id.second <= aggregated_; });
  visitPunches([&](ModelPunches& punches) {
    std::erase_if(punches, [&](const ModelPunch& punch) {
      return !isDoubtful && punch.transaction == 0 && punch.stamp.epoch <= first;
    });
  });
  dropEmpty();
}

void ReferenceModel::discard(const Operation& operation) {
  const auto isGone = [&](const auto& version) {
    return version.transaction == 0 && version.stamp.epoch >= operation.epochLow &&
           version.stamp.epoch <= operation.epoch;
  };
  visitPunches([&](ModelPunches& punches) { std::erase_if(punches, isGone); });
  visitAkeys([&](const ObjectId&, const std::string&, const std::string&, ModelAkey& akey) {
    std::erase_if(akey.writes, isGone);
  });
  dropEmpty();
}

// Names under which nothing is kept are forgotten, with the type of what was there.
void ReferenceModel::dropEmpty() {
  for (auto& [oid, object] : objects_) {
    for (auto& [name, dkey] : object.dkeys) {
      std::erase_if(dkey.akeys, [](const auto& akey) {
        return akey.second.writes.empty() && akey.second.punches.empty();
      });
    }
    std::erase_if(object.dkeys, [](const auto& dkey) {
      return dkey.second.akeys.empty() && dkey.second.punches.empty();
    });
  }
  std::erase_if(objects_, [](const auto& object) {
    return object.second.dkeys.empty() && object.second.punches.empty();
  });
}

}  // namespace daos::vos::proof
