// What durable_bench.cc measures: a pool with log, metadata and bulk data in one file on a disk,
// and beside it a bare file on the same file system.
//
// The store's file is made as an engine makes its own: all blocks reserved, the log written in
// full. Or all of it is written: as a device is, or such a file when every block was in use once.
// Thread: the program's only one.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bio/file_media.h"
#include "bio/raw_ring.h"
#include "vos/log/log_store.h"

namespace daos::vos {

template <typename T>
T mustHave(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "durable_bench: %s\n", result.error().describe().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

class DurableBenchStore {
 public:
  static constexpr uint64_t kBareFileSize = 512 << 20;

  struct Options {
    uint64_t dataBytes = 8ull << 30;
    bool isDataWritten = false;
    uint64_t absorbBelow = 0;       // as in PoolOptions
    bool isDataPrewritten = false;  // by the store, as an engine does it while it is idle
  };

  DurableBenchStore(std::string path, const Options& options)
      : path_(std::move(path)), sizes_{.arenaBytes = 1ull << 30, .dataBytes = options.dataBytes},
        absorbBelow_(options.absorbBelow) {
    reactor_ = mustHave(Reactor::create(clock_, {.spinNs = 20000}));
    ring_ = mustHave(bio::IoRing::create(*reactor_, log_));
    buffers_ = mustHave(bio::DmaPool::create(256 << 20));
    const bio::RoleSizes roles = LogStore::roleSizes(sizes_);
    const uint64_t size = bio::StoreDevices::deviceSizeBytes(roles, 1, 0);
    const uint64_t writtenBytes =
        options.isDataWritten ? size : bio::kRolesOffset + roles.walBytes;
    mustHave(bio::createMediaFile(path_, size, {.writtenBytes = writtenBytes}));
    store_ = mustHave(run(LogStore::create(devices(), context(), kIdentity, sizes_)));
    mustHave(store_->pool().createContainer(kContainer));
    openContainer();
    if (options.isDataPrewritten) prewriteNs_ = mustHave(run(prewrite()));
    const std::string barePath = path_ + "-bare";
    mustHave(bio::createMediaFile(barePath, kBareFileSize, {.writtenBytes = kBareFileSize}));
    bare_ = std::make_unique<bio::RawRing>(barePath);
    unlink(barePath.c_str());
  }
  ~DurableBenchStore() {
    mustHave(run(store_->close()));
    store_.reset();
    unlink(path_.c_str());
  }

  Reactor& reactor() { return *reactor_; }
  double prewriteSecondsPerGib() const {
    return static_cast<double>(prewriteNs_) / 1e9 / static_cast<double>(sizes_.dataBytes >> 30);
  }
  LogArena& arena() { return store_->arena(); }
  Pool& pool() { return store_->pool(); }
  Container& container() { return *container_; }
  bio::RawRing& bare() { return *bare_; }
  PoolSpace space() const { return store_->pool().space(); }
  Epoch nextEpoch() { return ++epoch_; }
  Epoch lastEpoch() const { return epoch_; }
  // Bytes and flushes of all roles.
  struct DeviceCounts {
    uint64_t writtenBytes = 0;
    uint64_t flushCount = 0;
  };
  DeviceCounts deviceCounts() {
    const bio::MediaStatistics& all = store_->devices().devices()[0]->statistics();
    return {all.of(bio::MediaOperation::kWrite).sizeBytes,
            all.of(bio::MediaOperation::kFlush).count + all.durableWriteCount};
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

  // Old versions would fill arena and data area; each case begins without any.
  void startAnew() {
    store_->pool().closeContainer(container_);
    mustHave(store_->pool().destroyContainer(kContainer));
    while (mustHave(store_->pool().collectStep(1000))) settle();
    mustHave(store_->pool().createContainer(kContainer));
    openContainer();
    mustHave(run(arena().checkpoint()));
  }
  // Forgets the process's state without closing, and opens the store again.
  void crashAndRecover() {
    settle();
    mustHave(run(idle()));
    store_->pool().closeContainer(container_);
    store_.reset();
    store_ = mustHave(run(LogStore::open(devices(), context(), kIdentity)));
    openContainer();
  }

 private:
  static constexpr PoolIdentity kIdentity{};
  static inline const Uuid kContainer = Uuid::fromRandom(1, 2);

  LogStore::Devices devices() {
    LogStore::Devices all;
    all.push_back(mustHave(bio::openFileMedia(*ring_, path_)));
    return all;
  }
  Task<Result<uint64_t>> prewrite() {
    const uint64_t startNs = clock_.nowNs();
    Pool& pool = store_->pool();
    DAOS_CO_CHECK(co_await pool.beginPrewriting());
    for (bool hasMore = true; hasMore;) {
      DAOS_CO_TRY(hasMore, co_await pool.prewriteStep(1 << 20));
    }
    co_return clock_.nowNs() - startNs;
  }
  LogStoreContext context() {
    return {.pool = *buffers_,
            .random = random_,
            .log = log_,
            .arena = {.pageMaker = &pageMaker_},
            .vos = {.absorbBelow = absorbBelow_}};
  }
  void openContainer() { container_ = mustHave(store_->pool().openContainer(kContainer)); }
  void settle() {
    const Ticket ticket = arena().lastTicket();
    reactor_->runUntil([&] { return arena().isDurable(ticket); });
  }
  // A seal and a checkpoint that has begun may end.
  Task<Status> idle() {
    co_await reactor_->sleep(200'000'000);
    co_return Status{};
  }

  const std::string path_;
  const LogStoreSizes sizes_;
  const uint64_t absorbBelow_;
  SystemClock clock_;
  SystemRandom random_;
  Log log_ = Log::toStandardError(LogLevel::kWarning);
  PageMaker pageMaker_;  // as an engine has one
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::IoRing> ring_;
  std::unique_ptr<bio::RawRing> bare_;
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  Epoch epoch_ = 1;
  uint64_t prewriteNs_ = 0;
};

}  // namespace daos::vos
