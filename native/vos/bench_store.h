// The stores that vos_bench measures, behind one face: on persistent memory, and on a log.
//
// Both lie in memory, so that what is measured is the processor's work. A log's groups are written
// to memory too; its updates wait for them in batches, as those of a busy target do.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "bio/dma_buffer.h"
#include "bio/memory_media.h"
#include "runtime/random.h"
#include "runtime/reactor.h"
#include "vos/log/log_arena.h"
#include "vos/pmem_arena.h"
#include "vos/vos.h"

namespace daos::vos {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "vos_bench: %s\n", result.error().describe().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}
inline void must(Status status) {
  if (status.ok()) return;
  std::fprintf(stderr, "vos_bench: %s\n", status.error().describe().c_str());
  std::exit(1);
}

// A pool with one container, gone at the end.
class BenchStore {
 public:
  virtual ~BenchStore() = default;
  Pool& pool() { return *pool_; }
  Container& container() { return *container_; }
  // Ends when everything written so far is durable and the log has room for more.
  virtual void settle() = 0;
  // So many writes may be on their way to the log.
  static constexpr uint32_t kWindow = 256;

 protected:
  void fill(std::unique_ptr<Arena> arena) {
    const PoolOptions options{.dataThreshold = PoolOptions::kNeverToMedia};
    pool_ = must(Pool::create(std::move(arena), nullptr, {}, options));
    const Uuid uuid = Uuid::fromRandom(1, 2);
    must(pool_->createContainer(uuid));
    container_ = must(pool_->openContainer(uuid));
  }
  void drop() {
    pool_->closeContainer(container_);
    pool_.reset();
  }

 private:
  std::unique_ptr<Pool> pool_;
  Container* container_ = nullptr;
};

// A libpmemobj file on tmpfs. Flushing is as libpmem finds right: PMEM_IS_PMEM_FORCE=1 makes it
// flush cache lines as on persistent memory.
class PmemBenchStore final : public BenchStore {
 public:
  explicit PmemBenchStore(uint64_t arenaSize)
      : path_("/dev/shm/daos_vos_bench." + std::to_string(getpid())) {
    unlink(path_.c_str());
    fill(must(PmemArena::create(path_, arenaSize)));
    unlink(path_.c_str());  // its mapping keeps it; nothing is left behind, however this ends
  }
  ~PmemBenchStore() override { drop(); }
  void settle() override {}

 private:
  const std::string path_;
};

class LogBenchStore final : public BenchStore {
 public:
  explicit LogBenchStore(uint64_t arenaSize) {
    reactor_ = must(Reactor::create(clock_));
    buffers_ = must(bio::DmaPool::create(64 << 20));
    wal_ = must(bio::openMemoryMedia(*reactor_, "wal", 256 << 20));
    meta_ = must(bio::openMemoryMedia(*reactor_, "meta", LogArena::metaSizeBytes(arenaSize)));
    const LogArenaDevices devices{*wal_, *meta_, *buffers_, log_};
    auto arena = run(LogArena::create(devices, arenaSize, Uuid::fromRandom(3, 4), 77, {}));
    arena_ = must(std::move(arena)).release();
    fill(std::unique_ptr<Arena>(arena_));
  }
  ~LogBenchStore() override {
    must(run(arena_->close()));
    drop();
  }
  void settle() override { must(run(settled())); }

 private:
  Task<Status> settled() {
    DAOS_CO_CHECK(co_await arena_->waitDurable(arena_->lastTicket()));
    if (!arena_->hasLogRoom()) co_return co_await arena_->waitLogRoom();
    co_return Status{};
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }

  SystemClock clock_;
  Log log_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> wal_;
  std::unique_ptr<bio::Media> meta_;
  LogArena* arena_ = nullptr;  // the pool's
};

}  // namespace daos::vos
