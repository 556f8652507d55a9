#include "runtime/loop_lending.h"

#include <limits>

namespace daos {

void LoopLending::run() {
  std::unique_lock lock(mutex_);
  while (!isStopping_.load()) {
    reactor_.runUntil([this] { return isWanted_.load(std::memory_order_relaxed); });
    if (!isStopping_.load() && isWanted_.load()) lend(lock);
  }
}

void LoopLending::lend(std::unique_lock<std::mutex>& lock) {
  isGivenBack_.store(false);
  isLent_ = true;
  for (uint64_t seen = std::numeric_limits<uint64_t>::max(); turnCount_ != seen;) {
    seen = turnCount_;
    if (changed_.wait_for(lock, kPatience, [&] { return isGivenBack_ || isStopping_; })) break;
  }
  isLent_ = false;
  isWanted_.store(false);
}

void LoopLending::stop() {
  isStopping_.store(true);
  reactor_.stop();
  changed_.notify_one();
}

bool LoopLending::turn() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !isLent_) {
    want();
    return false;
  }
  ++turnCount_;
  reactor_.runOnce();
  return true;
}

// By a message: the owner may be about to block.
void LoopLending::want() {
  if (!isWanted_.exchange(true)) reactor_.post([] {});
}

void LoopLending::giveBack() {
  isWanted_.store(false);
  {
    // The owner is either waiting, or has the loop and waits for nothing.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    isGivenBack_.store(true);
  }
  changed_.notify_one();
}

}  // namespace daos
