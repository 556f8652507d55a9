// The reference of benchmarks: the shortest io_uring loop over one O_DIRECT file, one request per
// slot, nothing above it.
#pragma once

#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "bench/latency_histogram.h"
#include "bench/measure.h"

namespace daos::bio {

struct RawLoad {
  bool isWrite = false;
  bool isDurable = false;  // each write with its own flush
  bool isInSmallPages = false;
  // The bytes of each write come to its buffer just before, as new data does.
  bool isCopied = false;
  uint64_t sizeBytes = 4096;
  unsigned depth = 1;
  double seconds = 1;
  std::function<uint64_t()> nextOffset;
};

struct RawRate {
  double perSecond = 0;
  bench::LatencyHistogram latency;
};

class RawRing {
 public:
  explicit RawRing(const std::string& path)
      : fd_(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)) {
    DAOS_ASSERT(fd_ >= 0);
  }
  ~RawRing() { close(fd_); }
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;

  RawRate run(const RawLoad& load) {
    io_uring ring;
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    const int opened = io_uring_queue_init_params(load.depth, &ring, &parameters);
    DAOS_ASSERT(opened == 0);
    // One slot more: what is copied.
    const uint64_t bytes = (load.depth + 1) * load.sizeBytes;
    // The same kind of memory as ours: in pages of 4 KiB a large write is many pieces to a device.
    const uint64_t mappedBytes = bytes + kHugePageSize;
    void* mapped = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    DAOS_ASSERT(mapped != MAP_FAILED);
    auto* memory = reinterpret_cast<std::byte*>(
        alignUp(reinterpret_cast<uintptr_t>(mapped), kHugePageSize));
    madvise(mapped, mappedBytes, load.isInSmallPages ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    std::memset(memory, 1, bytes);
    const iovec piece{memory, bytes};
    io_uring_register_buffers(&ring, &piece, 1);
    io_uring_register_files(&ring, &fd_, 1);
    RawRate rate = loop(ring, load, memory);
    io_uring_queue_exit(&ring);
    munmap(mapped, mappedBytes);
    return rate;
  }

 private:
  static constexpr uint64_t kHugePageSize = 2 << 20;

  RawRate loop(io_uring& ring, const RawLoad& load, std::byte* memory) {
    RawRate rate;
    std::vector<uint64_t> startNs(load.depth);
    const uint64_t beginNs = bench::nowNs();
    const uint64_t endNs = beginNs + static_cast<uint64_t>(load.seconds * 1e9);
    for (unsigned slot = 0; slot < load.depth; ++slot) prepare(ring, load, memory, slot, startNs);
    unsigned inFlight = load.depth;
    while (inFlight > 0) {
      io_uring_submit_and_wait(&ring, 1);
      io_uring_cqe* entry;
      const uint64_t now = bench::nowNs();
      while (io_uring_peek_cqe(&ring, &entry) == 0 && entry) {
        DAOS_ASSERT(entry->res == static_cast<int>(load.sizeBytes));
        const auto slot = static_cast<unsigned>(entry->user_data);
        io_uring_cqe_seen(&ring, entry);
        rate.latency.record(now - startNs[slot]);
        --inFlight;
        if (now >= endNs) continue;
        prepare(ring, load, memory, slot, startNs);
        ++inFlight;
      }
    }
    rate.perSecond = static_cast<double>(rate.latency.count()) * 1e9 /
                     static_cast<double>(bench::nowNs() - beginNs);
    return rate;
  }
  static void prepare(io_uring& ring, const RawLoad& load, std::byte* memory, unsigned slot,
                      std::vector<uint64_t>& startNs) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    std::byte* data = memory + slot * load.sizeBytes;
    const auto size = static_cast<unsigned>(load.sizeBytes);
    if (load.isCopied) std::memcpy(data, memory + load.depth * load.sizeBytes, size);
    const uint64_t offset = load.nextOffset();
    if (load.isWrite)
      io_uring_prep_write_fixed(entry, 0, data, size, offset, 0);
    else
      io_uring_prep_read_fixed(entry, 0, data, size, offset, 0);
    if (load.isDurable) entry->rw_flags = RWF_DSYNC;
    entry->flags |= IOSQE_FIXED_FILE;
    entry->user_data = slot;
    startNs[slot] = bench::nowNs();
  }

  const int fd_;
};

}  // namespace daos::bio
