#include "runtime/reactor.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace daos {

// The time of a turn may be behind by as many turns that found nothing, less than a microsecond.
static constexpr uint32_t kIdleTurnsPerClockReading = 8;
static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

// The frame that owns a spawned task: starts at once, frees itself at the end. While it lives, its
// promise is on the reactor's list, newest first.
struct Reactor::SpawnedPromise : IntrusiveLink<Reactor::Spawned> {
  SpawnedPromise(Reactor& owner, Task<void>&) : reactor(owner) {
    reactor.spawned_.pushFront(*this);
    ++reactor.spawnedCount_;
  }
  ~SpawnedPromise() { --reactor.spawnedCount_; }
  static void* operator new(size_t size, Reactor& owner, Task<void>&) {
    return owner.frames_.allocate(size);
  }
  static void operator delete(void* frame) { FrameCache::free(frame); }
  Spawned get_return_object() const noexcept;
  std::suspend_never initial_suspend() const noexcept { return {}; }
  std::suspend_never final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() const noexcept { std::terminate(); }
  Reactor& reactor;
};
struct Reactor::Spawned {
  using promise_type = SpawnedPromise;
};
Reactor::Spawned Reactor::SpawnedPromise::get_return_object() const noexcept { return {}; }

static Error systemError(const char* what) {
  return Error(ErrorCode::kMisc, std::string(what) + ": " + std::strerror(errno));
}

Result<std::unique_ptr<Reactor>> Reactor::create(const Clock& clock, ReactorOptions options) {
  const int epollFd = epoll_create1(EPOLL_CLOEXEC);
  if (epollFd < 0) return systemError("epoll_create1");
  const int doorbellFd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (doorbellFd < 0) {
    Error error = systemError("eventfd");
    close(epollFd);
    return error;
  }
  epoll_event event{.events = EPOLLIN, .data = {.fd = doorbellFd}};
  epoll_ctl(epollFd, EPOLL_CTL_ADD, doorbellFd, &event);
  return std::unique_ptr<Reactor>(new Reactor(clock, options, epollFd, doorbellFd));
}

Reactor::Reactor(const Clock& clock, ReactorOptions options, int epollFd, int doorbellFd)
    : clock_(clock),
      options_(options),
      epollFd_(epollFd),
      doorbellFd_(doorbellFd),
      nowNs_(clock.nowNs()) {}

Reactor::~Reactor() {
  runMailbox();
  DAOS_ASSERT(spawnedCount_ == 0);
  close(doorbellFd_);
  close(epollFd_);
}

void Reactor::addPoller(Poller& poller) {
  pollers_.push_back(&poller);
  if (poller.waitFd() < 0) return;
  epoll_event event{.events = EPOLLIN, .data = {.fd = poller.waitFd()}};
  const int status = epoll_ctl(epollFd_, EPOLL_CTL_ADD, poller.waitFd(), &event);
  DAOS_ASSERT(status == 0);
}

void Reactor::removePoller(Poller& poller) {
  pollers_.erase(std::remove(pollers_.begin(), pollers_.end(), &poller), pollers_.end());
  if (poller.waitFd() >= 0) epoll_ctl(epollFd_, EPOLL_CTL_DEL, poller.waitFd(), nullptr);
}

void Reactor::post(Message* message) {
  postAsleep(message);
  wake();
}

// Once for each time that the loop blocks: it looks at everything when it wakes. Whoever posts many
// messages to a loop that shares the poster's core, and so can't run yet, makes one system call.
void Reactor::wake() {
  if (!isBlocked_.load(std::memory_order_seq_cst)) return;
  if (!isBlocked_.exchange(false, std::memory_order_seq_cst)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(doorbellFd_, &one, sizeof(one));
}

namespace {
struct FunctionMessage : Message {
  explicit FunctionMessage(std::function<void()> f) : function(std::move(f)) {
    run = [](Message* message) {
      std::unique_ptr<FunctionMessage> self(static_cast<FunctionMessage*>(message));
      self->function();
    };
    drop = [](Message* message) { delete static_cast<FunctionMessage*>(message); };
  }
  std::function<void()> function;
};
}  // namespace

void Reactor::post(std::function<void()> function) {
  post(new FunctionMessage(std::move(function)));
}

Reactor::TimerId Reactor::addTimer(uint64_t deadlineNs, std::function<void()> callback) {
  const TimerId id = ++timerIdLast_;
  timers_.emplace(deadlineNs, Timer{id, std::move(callback)});
  return id;
}

bool Reactor::cancelTimer(TimerId id) {
  const auto found = std::find_if(timers_.begin(), timers_.end(),
                                  [&](const auto& entry) { return entry.second.id == id; });
  if (found == timers_.end()) return false;
  timers_.erase(found);
  return true;
}

Reactor::Spawned Reactor::runSpawned(Reactor&, Task<void> task) { co_await std::move(task); }

void Reactor::spawn(Task<void> task) { runSpawned(*this, std::move(task)); }

void Reactor::dropTasks() {
  DAOS_ASSERT(!isInTurn_);
  dropMailbox();
  while (SpawnedPromise* newest = spawned_.front()) {
    std::coroutine_handle<SpawnedPromise>::from_promise(*newest).destroy();
  }
  dropMailbox();  // what destructors posted
  timers_.clear();
  ready_.clear();
}

size_t Reactor::runMailbox() {
  size_t count = 0;
  for (Message* message = mailbox_.takeAll(); message; ++count) {
    Message* next = message->next;
    message->run(message);
    message = next;
  }
  return count;
}

void Reactor::dropMailbox() {
  for (Message* message = mailbox_.takeAll(); message;) {
    Message* next = message->next;
    if (message->drop) message->drop(message);
    message = next;
  }
}

size_t Reactor::runTimers() {
  size_t count = 0;
  while (!timers_.empty() && timers_.begin()->first <= nowNs_) {
    Timer timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    timer.callback();
    ++count;
  }
  return count;
}

size_t Reactor::runReady() {
  if (ready_.empty()) return 0;
  running_.swap(ready_);
  for (std::coroutine_handle<> handle : running_) handle.resume();
  const size_t count = running_.size();
  running_.clear();
  return count;
}

bool Reactor::runOnce() {
  nowNs_ = clock_.nowNs();
  return turn();
}

bool Reactor::turn() {
  isInTurn_ = true;
  size_t count = runMailbox();
  for (size_t i = 0; i < pollers_.size(); ++i) count += pollers_[i]->poll();
  count += runTimers();
  count += runReady();
  for (size_t i = 0; i < pollers_.size(); ++i) count += pollers_[i]->flush();
  isInTurn_ = false;
  return count > 0;
}

uint64_t Reactor::untilNextTimerNs() const {
  if (timers_.empty()) return kNever;
  const uint64_t deadlineNs = timers_.begin()->first;
  const uint64_t now = clock_.nowNs();
  return deadlineNs > now ? deadlineNs - now : 0;
}

bool Reactor::prepareWait() {
  size_t prepared = 0;
  while (prepared < pollers_.size() && pollers_[prepared]->prepareWait()) ++prepared;
  if (prepared == pollers_.size()) return true;
  while (prepared-- > 0) pollers_[prepared]->cancelWait();
  return false;
}

// The order matters: pollers are armed, then isBlocked_ is set, then the mailbox is looked at once
// more. A poster pushes first and looks at isBlocked_ after, so one of the two sees the other.
void Reactor::block() {
  if (!prepareWait()) return;
  isBlocked_.store(true, std::memory_order_seq_cst);
  if (mailbox_.empty() && !isStopping_.load(std::memory_order_seq_cst) && ready_.empty()) {
    const uint64_t waitNs = untilNextTimerNs();
    timespec timeout{static_cast<time_t>(waitNs / 1000000000),
                     static_cast<long>(waitNs % 1000000000)};
    epoll_event events[16];
    epoll_pwait2(epollFd_, events, 16, waitNs == kNever ? nullptr : &timeout, nullptr);
    uint64_t rings;
    [[maybe_unused]] const ssize_t size = read(doorbellFd_, &rings, sizeof(rings));
  }
  isBlocked_.store(false, std::memory_order_seq_cst);
  for (Poller* poller : pollers_) poller->cancelWait();
}

void Reactor::run() {
  runUntil([] { return false; });
}

void Reactor::runUntil(const std::function<bool()>& done) {
  nowNs_ = clock_.nowNs();
  uint64_t busyNs = nowNs_;
  uint32_t idleCount = 0;  // turns that found nothing, since something was found
  uint64_t idleTurnNs = 0;
  bool hasBlocked = false;  // since then
  while (!isStopping_.load(std::memory_order_relaxed)) {
    if (turn()) {
      // The clock was not read since the last few of them.
      const uint64_t sinceNs = clock_.nowNs() - nowNs_;
      spunNs_ += std::min(sinceNs, idleCount % kIdleTurnsPerClockReading * idleTurnNs);
      nowNs_ += sinceNs;
      if (!std::exchange(hasBlocked, false)) spinLength_.onFound(nowNs_ - busyNs);
      busyNs = nowNs_;
      idleCount = 0;
      if (done()) return;
      continue;
    }
    if (done()) return;
    // To read the clock takes longer than a turn that finds nothing.
    if (++idleCount % kIdleTurnsPerClockReading != 0) continue;
    const uint64_t idleNs = clock_.nowNs() - nowNs_;
    nowNs_ += idleNs;
    spunNs_ += idleNs;
    idleTurnNs = idleNs / kIdleTurnsPerClockReading;
    // One that is about to block gives its core away by that.
    const bool isPatient = !hasBlocked && spinLength_.isFull();
    if (isPatient && coreSharing_.shouldYield(nowNs_, nowNs_ - busyNs)) yieldCore();
    if (!hasBlocked && nowNs_ - busyNs < spinLength_.ns()) continue;
    if (!std::exchange(hasBlocked, true)) spinLength_.onBlocked();
    block();
    nowNs_ = clock_.nowNs();
    // Not busy yet: if the wake-up was for nothing, the loop blocks again without spinning.
  }
  isStopping_.store(false, std::memory_order_relaxed);
}

void Reactor::yieldCore() {
  const uint64_t beforeNs = nowNs_;
  sched_yield();
  nowNs_ = clock_.nowNs();
  coreSharing_.onYielded(beforeNs, nowNs_);
  if (!CoreSharing::wasTaken(nowNs_ - beforeNs)) spunNs_ += nowNs_ - beforeNs;
}

void Reactor::stop() {
  isStopping_.store(true, std::memory_order_seq_cst);
  wake();
}

}  // namespace daos
