#include "runtime/page_maker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

namespace daos {

// One huge page: meanwhile nobody in the process can map or unmap memory.
static constexpr size_t kStep = 2 << 20;

PageMaker::~PageMaker() {
  {
    const std::lock_guard lock(mutex_);
    isClosing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PageMaker::make(MutableBytes memory) {
  if (memory.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wanted_.push_back(memory);
  }
  changed_.notify_all();
}

static bool isWithin(MutableBytes part, MutableBytes whole) {
  const std::less_equal<const std::byte*> isBefore;
  return !part.empty() && isBefore(whole.data(), part.data()) &&
         isBefore(part.data() + part.size(), whole.data() + whole.size());
}

void PageMaker::forget(MutableBytes memory) {
  std::unique_lock lock(mutex_);
  std::erase_if(wanted_, [&](MutableBytes each) { return isWithin(each, memory); });
  changed_.wait(lock, [&] { return !isWithin(step_, memory); });
}

// Empty: the maker is closed.
MutableBytes PageMaker::takeStep(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return isClosing_ || !wanted_.empty(); });
  if (isClosing_) return {};
  MutableBytes& first = wanted_.front();
  const MutableBytes step = first.first(std::min(first.size(), kStep));
  first = first.subspan(step.size());
  if (first.empty()) wanted_.pop_front();
  return step;
}

// Whoever made the first call may be bound to a core that is never free. And nobody waits for this
// thread: most kernels let one that clears a page go on for 4 ms, be it that a disk's flush waits
// for the core, unless it has the policy of what is idle.
static void giveWay() {
  cpu_set_t cores;
  if (sched_getaffinity(getpid(), sizeof(cores), &cores) == 0) {
    sched_setaffinity(0, sizeof(cores), &cores);
  }
  const sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
}

void PageMaker::run() {
  pthread_setname_np(pthread_self(), "daos-pages");
  giveWay();
  std::unique_lock lock(mutex_);
  for (step_ = takeStep(lock); !step_.empty(); step_ = takeStep(lock)) {
    lock.unlock();
    madvise(step_.data(), step_.size(), MADV_POPULATE_WRITE);
    lock.lock();
    step_ = {};
    changed_.notify_all();
  }
}

}  // namespace daos
