#include "simulator/disk.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "simulator/random_stream.h"

namespace daos::simulator {

static constexpr uint64_t kAll = 1000000;
// A group of the log that bulk data belongs to is proven by what is durable after it: at the latest
// by the seal of an idle log (docs/design/durable-data.md).
static constexpr uint64_t kUnprovenNs = 100'000'000;

static std::byte* mapSparse(uint64_t sizeBytes) {
  void* address = mmap(nullptr, sizeBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  DAOS_ASSERT(address != MAP_FAILED);
  return static_cast<std::byte*>(address);
}

// The Media of one incarnation. Its requests in flight are events of the scheduler; a crash takes
// them back.
class SimulatedMedia final : public bio::Media {
 public:
  SimulatedMedia(SimulatedDisk& disk, Process& process, std::string name)
      : Media(process.reactor(), std::move(name), disk.options_.sizeBytes,
              disk.options_.sectorSizeBytes),
        disk_(disk),
        process_(process) {
    DAOS_ASSERT(!disk.isOpen_);
    disk.isOpen_ = true;
    disk.powerCutNs_.reset();
  }
  ~SimulatedMedia() override {
    for (auto& [number, flight] : inFlight_) {
      disk_.scheduler_.cancel(flight.event);
      if (flight.operation == bio::MediaOperation::kWrite) disk_.abandon(std::move(flight.write));
    }
    disk_.isOpen_ = false;
  }

 protected:
  void start(bio::MediaRequest& request) override;

 private:
  struct Flight {
    bio::MediaRequest* request;
    bio::MediaOperation operation;
    Scheduler::EventId event;
    SimulatedDisk::Write write;
    uint64_t sequence;  // flush: covers what had completed by then
  };
  void land(uint64_t number);
  Status carryOut(Flight& flight);
  Status carryOutWrite(Flight& flight);
  void trace(TraceKind kind, uint64_t a, uint64_t b) {
    disk_.trace_.add({disk_.scheduler_.nowNs(), process_.id(), kind, disk_.options_.id, a, b});
  }

  SimulatedDisk& disk_;
  Process& process_;
  std::map<uint64_t, Flight> inFlight_;
  uint64_t numberLast_ = 0;
};

void SimulatedMedia::start(bio::MediaRequest& request) {
  if (!process_.mayAct()) return;
  const uint64_t number = ++numberLast_;
  Flight flight{&request, request.operation, {}, {}, disk_.completedSequence_};
  if (request.operation == bio::MediaOperation::kWrite) {
    flight.write.offset = request.offset;
    flight.write.bytes.assign(request.data, request.data + request.sizeBytes);
  }
  trace(TraceKind::kDiskSubmit, static_cast<uint64_t>(request.operation) << 48 | request.sizeBytes,
        request.offset);
  flight.event =
      disk_.scheduler_.after(disk_.drawDelayNs(request), [this, number] { land(number); });
  inFlight_.emplace(number, std::move(flight));
}

void SimulatedMedia::land(uint64_t number) {
  auto node = inFlight_.extract(number);
  Flight& flight = node.mapped();
  Status status = carryOut(flight);
  trace(TraceKind::kDiskComplete, static_cast<uint64_t>(flight.operation),
        static_cast<uint64_t>(status.code()));
  if (!status.ok()) ++disk_.statistics_.errorCount;
  finishLater(*flight.request, std::move(status));
  process_.wake();
}

static Error ioError(const std::string& name, const char* what, uint64_t offset) {
  return Error(ErrorCode::kIo, name + ": " + what + " at " + std::to_string(offset) + " failed");
}

Status SimulatedMedia::carryOut(Flight& flight) {
  bio::MediaRequest& request = *flight.request;
  switch (flight.operation) {
    case bio::MediaOperation::kRead:
      if (disk_.strikes(disk_.faults_.readErrorShare))
        return ioError(name(), "read", request.offset);
      std::memcpy(request.data, disk_.view_ + request.offset, request.sizeBytes);
      return {};
    case bio::MediaOperation::kWrite:
      return carryOutWrite(flight);
    case bio::MediaOperation::kFlush:
      if (disk_.strikes(disk_.faults_.flushErrorShare)) return ioError(name(), "flush", 0);
      disk_.flush(flight.sequence);
      return {};
    case bio::MediaOperation::kDiscard:
      return {};  // a hint, not taken
  }
  return {};
}

Status SimulatedMedia::carryOutWrite(Flight& flight) {
  const bool isUnchanged =
      std::memcmp(flight.write.bytes.data(), flight.request->data, flight.write.bytes.size()) == 0;
  DAOS_ASSERT(isUnchanged);  // a buffer must not change under a write
  const bool isDurable = flight.request->isDurable;
  const uint64_t offset = flight.write.offset;
  if (disk_.strikes(isDurable ? disk_.faults_.flushErrorShare : disk_.faults_.writeErrorShare)) {
    disk_.abandon(std::move(flight.write));
    return ioError(name(), "write", offset);
  }
  if (!disk_.writtenBlocks_.empty() && disk_.strikes(disk_.faults_.misdirectShare)) {
    const uint64_t last = sizeBytes() - flight.write.bytes.size();
    flight.write.offset =
        std::min(alignDown(last, bio::kMediaBlockSize), flight.write.offset + bio::kMediaBlockSize);
    ++disk_.statistics_.misdirectCount;
    disk_.damagedSequence_ = disk_.completedSequence_ + 1;
    trace(TraceKind::kDiskFault, 1, flight.write.offset);
  }
  disk_.complete(std::move(flight.write));
  if (isDurable) {
    // Itself alone, in truth; but nobody may rely on others staying volatile.
    SimulatedDisk::Write own = disk_.cache_.back();
    disk_.applySectors(disk_.durable_, own, kAll);
    disk_.cache_.pop_back();
    disk_.durableSequence_ = std::max(disk_.durableSequence_, own.completedSequence);
    disk_.supersede(own);
  }
  return {};
}

SimulatedDisk::SimulatedDisk(Scheduler& scheduler, Trace& trace, const FaultOptions& faults,
                             DiskOptions options)
    : scheduler_(scheduler),
      trace_(trace),
      faults_(faults),
      options_(options),
      random_(randomStream(options.seed, Stream::kDisk, options.id)),
      view_(mapSparse(options.sizeBytes)),
      durable_(mapSparse(options.sizeBytes)) {}

SimulatedDisk::~SimulatedDisk() {
  munmap(view_, options_.sizeBytes);
  munmap(durable_, options_.sizeBytes);
}

std::unique_ptr<bio::Media> SimulatedDisk::open(Process& process, std::string name) {
  return std::make_unique<SimulatedMedia>(*this, process, std::move(name));
}

uint64_t SimulatedDisk::drawDelayNs(const bio::MediaRequest& request) {
  uint64_t delayNs =
      faults_.diskDelayMinNs + random_.below(faults_.diskDelayMaxNs - faults_.diskDelayMinNs + 1);
  delayNs += request.sizeBytes / 4;  // 4 GB/s
  if (request.operation == bio::MediaOperation::kFlush || request.isDurable) delayNs *= 2;
  if (scheduler_.nowNs() < slowUntilNs_ && !isHealed_)
    delayNs = delayNs * 20 + random_.below(20'000'000);
  return delayNs;
}

void SimulatedDisk::applySectors(std::byte* to, const Write& write, uint64_t keepShare) {
  const uint64_t sector = options_.sectorSizeBytes;
  for (uint64_t at = 0; at < write.bytes.size(); at += sector) {
    if (keepShare < kAll && random_.below(kAll) >= keepShare) continue;
    std::memcpy(to + write.offset + at, write.bytes.data() + at, sector);
  }
}

void SimulatedDisk::complete(Write write) {
  write.completedSequence = ++completedSequence_;
  std::memcpy(view_ + write.offset, write.bytes.data(), write.bytes.size());
  for (uint64_t at = 0; at < write.bytes.size(); at += bio::kMediaBlockSize)
    writtenBlocks_[write.offset + at] = scheduler_.nowNs();
  cache_.push_back(std::move(write));
}

// What the cache still holds for these sectors is as new as they are: a power cut never brings
// older bytes back.
void SimulatedDisk::supersede(const Write& newer) {
  for (Write& older : cache_) {
    const uint64_t from = std::max(older.offset, newer.offset);
    const uint64_t to =
        std::min(older.offset + older.bytes.size(), newer.offset + newer.bytes.size());
    if (from >= to) continue;
    std::memcpy(older.bytes.data() + (from - older.offset),
                newer.bytes.data() + (from - newer.offset), to - from);
  }
}

void SimulatedDisk::flush(uint64_t sequence) {
  size_t count = 0;
  while (count < cache_.size() && cache_[count].completedSequence <= sequence) {
    applySectors(durable_, cache_[count], kAll);
    durableSequence_ = std::max(durableSequence_, cache_[count].completedSequence);
    ++count;
  }
  cache_.erase(cache_.begin(), cache_.begin() + static_cast<ptrdiff_t>(count));
}

// Nobody waits for this write any more: each sector may have got into the cache.
void SimulatedDisk::abandon(Write write) {
  const uint64_t keepShare = random_.below(3) * kAll / 2;
  if (keepShare == 0) return;
  if (keepShare == kAll) return complete(std::move(write));
  std::vector<std::byte> mixed(view_ + write.offset, view_ + write.offset + write.bytes.size());
  for (uint64_t at = 0; at < mixed.size(); at += options_.sectorSizeBytes) {
    if (random_.chance(1, 2))
      std::memcpy(mixed.data() + at, write.bytes.data() + at, options_.sectorSizeBytes);
  }
  write.bytes = std::move(mixed);
  complete(std::move(write));
}

// The share of what survives varies between cuts: all, none, or a mixture by sector or by request.
void SimulatedDisk::cutPower() {
  DAOS_ASSERT(!isOpen_);
  const uint64_t keepShare = random_.below(5) * kAll / 4;
  uint64_t keptCount = 0, lostCount = 0;
  for (const Write& write : cache_) {
    const bool isWholeKept = random_.below(kAll) < keepShare;
    for (uint64_t at = 0; at < write.bytes.size(); at += options_.sectorSizeBytes) {
      const bool isKept = faults_.torn ? random_.below(kAll) < keepShare : isWholeKept;
      ++(isKept ? keptCount : lostCount);
      if (isKept)
        std::memcpy(durable_ + write.offset + at, write.bytes.data() + at,
                    options_.sectorSizeBytes);
    }
  }
  for (const Write& write : cache_)
    std::memcpy(view_ + write.offset, durable_ + write.offset, write.bytes.size());
  cache_.clear();
  hidesDamage_ |= damagedSequence_ != 0 && durableSequence_ <= damagedSequence_;
  powerCutNs_ = scheduler_.nowNs();
  ++statistics_.powerCutCount;
  statistics_.sectorsKept += keptCount;
  statistics_.sectorsLost += lostCount;
  trace_.add({scheduler_.nowNs(), 0, TraceKind::kPowerCut, options_.id, lostCount, keptCount});
}

uint64_t SimulatedDisk::rotBit() {
  if (writtenBlocks_.empty() || isHealed_) return UINT64_MAX;
  auto block = writtenBlocks_.begin();
  std::advance(block, static_cast<ptrdiff_t>(random_.below(writtenBlocks_.size())));
  const uint64_t offset = block->first + random_.below(bio::kMediaBlockSize);
  const std::byte mask{static_cast<uint8_t>(1u << random_.below(8))};
  view_[offset] ^= mask;
  durable_[offset] ^= mask;
  damagedSequence_ = completedSequence_;
  hidesDamage_ |= powerCutNs_ && block->second + kUnprovenNs >= *powerCutNs_;
  ++statistics_.bitRotCount;
  trace_.add({scheduler_.nowNs(), 0, TraceKind::kDiskFault, options_.id, 2, offset});
  return block->first;
}

}  // namespace daos::simulator
