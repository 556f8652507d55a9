#include "vos/proof/shrink.h"

#include <algorithm>

namespace daos::vos::proof {

namespace {

class Shrinker {
 public:
  Shrinker(std::vector<Operation> history, const StillFails& stillFails, size_t trialMax)
      : history_(std::move(history)), stillFails_(stillFails), trialsLeft_(trialMax) {}

  std::vector<Operation> run() {
    removeOperations();
    for (bool isSmaller = true; isSmaller && trialsLeft_ != 0;) {
      isSmaller = false;
      for (size_t i = 0; i < history_.size(); ++i) isSmaller |= simplify(i);
      isSmaller |= removeOperations();
    }
    return std::move(history_);
  }

 private:
  // Takes `candidate` for the history when it fails as well.
  bool accept(std::vector<Operation> candidate) {
    if (trialsLeft_ == 0) return false;
    --trialsLeft_;
    if (!stillFails_(candidate)) return false;
    history_ = std::move(candidate);
    return true;
  }

  // Removes runs of operations, long ones first.
  bool removeOperations() {
    bool isSmaller = false;
    for (size_t size = std::max<size_t>(history_.size() / 2, 1); size != 0; size /= 2) {
      for (size_t at = 0; at < history_.size();) {
        std::vector<Operation> candidate = history_;
        const size_t end = std::min(at + size, candidate.size());
        candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(at),
                        candidate.begin() + static_cast<ptrdiff_t>(end));
        if (accept(std::move(candidate))) {
          isSmaller = true;
        } else {
          at += size;
        }
      }
    }
    return isSmaller;
  }

  // Tries a change of operation `index`; `change` returns false where there is nothing to change.
  template <typename Change>
  bool tryChange(size_t index, Change&& change) {
    std::vector<Operation> candidate = history_;
    return change(candidate[index]) && accept(std::move(candidate));
  }

  template <typename Field, typename Value>
  bool trySet(size_t index, Field Operation::*field, Value value) {
    return tryChange(index, [&](Operation& operation) {
      if (operation.*field == static_cast<Field>(value)) return false;
      operation.*field = static_cast<Field>(value);
      return true;
    });
  }

  bool simplify(size_t index) {
    bool isSimpler = trySet(index, &Operation::conditions, 0);
    isSimpler |= trySet(index, &Operation::minor, 0);
    isSimpler |= trySet(index, &Operation::isPending, false);
    isSimpler |= trySet(index, &Operation::isSizesOnly, false);
    isSimpler |= trySet(index, &Operation::isReverse, false);
    isSimpler |= trySet(index, &Operation::isOnce, false);
    isSimpler |= trySet(index, &Operation::isTracked, false);
    isSimpler |= trySet(index, &Operation::stepCount, 0);
    isSimpler |= trySet(index, &Operation::transaction, 0);
    if (history_[index].verb == Verb::kList) isSimpler |= trySet(index, &Operation::epochLow, 0);
    for (size_t part = history_[index].akeys.size(); part-- != 0;)
      isSimpler |= simplifyPart(index, part);
    return isSimpler;
  }

  bool simplifyPart(size_t index, size_t part) {
    const auto change = [&](auto&& how) {
      return tryChange(index, [&](Operation& operation) { return how(operation.akeys[part]); });
    };
    if (tryChange(index, [&](Operation& operation) {
          if (operation.akeys.size() == 1) return false;
          operation.akeys.erase(operation.akeys.begin() + static_cast<ptrdiff_t>(part));
          return true;
        })) {
      return true;
    }
    bool isSimpler = change([](AkeyPart& akey) { return std::exchange(akey.conditions, 0) != 0; });
    isSimpler |= change(
        [](AkeyPart& akey) { return std::exchange(akey.checksums, ChecksumForm()).type != 0; });
    isSimpler |= change([](AkeyPart& akey) { return std::exchange(akey.recordSize, 1) > 1; });
    for (size_t i = history_[index].akeys[part].extents.size(); i-- != 0;) {
      isSimpler |= change([i](AkeyPart& akey) {
        if (akey.extents.size() == 1) return false;
        akey.extents.erase(akey.extents.begin() + static_cast<ptrdiff_t>(i));
        return true;
      });
    }
    for (size_t i = history_[index].akeys[part].extents.size(); i-- != 0;) {
      isSimpler |=
          change([i](AkeyPart& akey) { return std::exchange(akey.extents[i].count, 1) > 1; });
      isSimpler |= change([i](AkeyPart& akey) {
        const uint64_t half = akey.extents[i].count / 2;
        return half > 1 && std::exchange(akey.extents[i].count, half) > 1;
      });
    }
    return isSimpler;
  }

  std::vector<Operation> history_;
  const StillFails& stillFails_;
  size_t trialsLeft_;
};

}  // namespace

std::vector<Operation> shrinkHistory(std::vector<Operation> history, const StillFails& stillFails,
                                     size_t trialMax) {
  return Shrinker(std::move(history), stillFails, trialMax).run();
}

}  // namespace daos::vos::proof
