#include "bio/faulty_media.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace daos::bio {

namespace {

struct FreeDeleter {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using AlignedBytes = std::unique_ptr<std::byte, FreeDeleter>;

AlignedBytes allocateAligned(uint64_t sizeBytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kMediaBlockSize, sizeBytes));
  DAOS_ASSERT(memory != nullptr);
  return AlignedBytes(memory);
}

}  // namespace

FaultyMedia::FaultyMedia(Media& below, Random& random, FaultRates rates)
    : Media(below.reactor(), below.name() + " (faulty)", below.sizeBytes(), below.sectorSizeBytes(),
            {.errorCountMax = UINT64_MAX}),
      below_(below),
      random_(random),
      rates_(rates) {}

uint64_t FaultyMedia::cachedSizeBytes() const {
  uint64_t sum = 0;
  for (const CachedWrite& write : cache_) sum += write.bytes.size();
  return sum;
}

FaultyMedia::Fate FaultyMedia::drawFate(const MediaRequest& request) {
  Fate fate;
  if (strikes(rates_.slow)) {
    fate.delayNs = 1 + random_.below(rates_.slowNsMax);
    ++counts_.slowRequests;
  }
  switch (request.operation) {
    case MediaOperation::kRead:
      fate.isError = strikes(rates_.readError);
      fate.isRotten = strikes(rates_.bitRot);
      break;
    case MediaOperation::kWrite:
      fate.isError = strikes(request.isDurable ? rates_.flushError : rates_.writeError);
      fate.isFull = strikes(rates_.noSpace);
      fate.isMisdirected = strikes(rates_.misdirected);
      break;
    case MediaOperation::kFlush:
      fate.isError = strikes(rates_.flushError);
      break;
    case MediaOperation::kDiscard:
      fate.isError = strikes(rates_.discardError);
      break;
  }
  if (fate.isError || fate.isFull) ++counts_.errors;
  return fate;
}

void FaultyMedia::start(MediaRequest& request) {
  const Fate fate = drawFate(request);
  const uint64_t number = ++numberLast_;
  if (request.operation == MediaOperation::kWrite && !fate.isFull) {
    uint64_t offset = request.offset;
    if (fate.isMisdirected) {
      offset = std::min(offset + kMediaBlockSize, sizeBytes() - request.sizeBytes);
      ++counts_.misdirectedWrites;
    }
    cache_.push_back({number, offset, {request.data, request.data + request.sizeBytes}});
  }
  reactor().spawn(serve(request, fate, number));
}

Task<void> FaultyMedia::serve(MediaRequest& request, Fate fate, uint64_t number) {
  if (fate.delayNs > 0)
    co_await reactor().sleep(fate.delayNs);
  else
    co_await reactor().yield();
  Status status;
  switch (request.operation) {
    case MediaOperation::kRead:
      status = co_await read(request, fate);
      break;
    case MediaOperation::kWrite:
      status = co_await write(request, fate, number);
      break;
    case MediaOperation::kFlush:
      status = co_await flush(number, fate);
      break;
    case MediaOperation::kDiscard:  // a hint, not taken
      if (fate.isError) status = failure(request, "medium error");
      break;
  }
  finish(request, std::move(status));
}

Error FaultyMedia::failure(const MediaRequest& request, const char* what) const {
  const bool isFull = std::strcmp(what, "no space") == 0;
  return Error(isFull ? ErrorCode::kNospace : ErrorCode::kIo,
               name() + ": " + std::string(operationName(request.operation)) + " of " +
                   std::to_string(request.sizeBytes) + " bytes at " +
                   std::to_string(request.offset) + ": " + what);
}

// --- reads

Task<Status> FaultyMedia::read(MediaRequest& request, const Fate& fate) {
  if (fate.isError) co_return failure(request, "medium error");
  DAOS_CO_CHECK(co_await below_.read(request.offset, {request.data, request.sizeBytes}));
  if (fate.isRotten) DAOS_CO_CHECK(co_await rot(request));
  overlay(request);
  co_return Status{};
}

// What was completed, newest last, over what is below.
void FaultyMedia::overlay(const MediaRequest& request) const {
  for (const CachedWrite& write : cache_) {
    if (!write.isCompleted) continue;
    const uint64_t from = std::max(write.offset, request.offset);
    const uint64_t to =
        std::min(write.offset + write.bytes.size(), request.offset + request.sizeBytes);
    if (from >= to) continue;
    std::memcpy(request.data + (from - request.offset), write.bytes.data() + (from - write.offset),
                to - from);
  }
}

// One bit of what was read flips, and stays so on the medium.
Task<Status> FaultyMedia::rot(MediaRequest& request) {
  const uint64_t bit = random_.below(request.sizeBytes * 8);
  const uint64_t block = alignDown(bit / 8, kMediaBlockSize);
  request.data[bit / 8] ^= std::byte{1} << (bit % 8);
  ++counts_.rottenBits;
  const AlignedBytes copy = allocateAligned(kMediaBlockSize);
  std::memcpy(copy.get(), request.data + block, kMediaBlockSize);
  co_return co_await below_.write(request.offset + block, {copy.get(), kMediaBlockSize});
}

// --- writes

std::deque<FaultyMedia::CachedWrite>::iterator FaultyMedia::find(uint64_t number) {
  const auto at = std::find_if(cache_.begin(), cache_.end(),
                               [&](const CachedWrite& write) { return write.number == number; });
  DAOS_ASSERT(at != cache_.end());
  return at;
}

// Each sector is the new one or stays what a power cut makes of it: an own write for each that got
// there.
void FaultyMedia::tear(CachedWrite& write) {
  const uint64_t sector = sectorSizeBytes();
  CachedWrite whole = std::move(write);
  cache_.erase(find(whole.number));
  for (uint64_t at = 0; at < whole.bytes.size(); at += sector) {
    if (!random_.chance(1, 2)) continue;
    const auto begin = whole.bytes.begin() + static_cast<ptrdiff_t>(at);
    cache_.push_back(
        {whole.number, whole.offset + at, {begin, begin + static_cast<ptrdiff_t>(sector)}, true});
  }
}

Task<Status> FaultyMedia::write(MediaRequest& request, const Fate& fate, uint64_t number) {
  if (fate.isFull) co_return failure(request, "no space");
  const bool isUnchanged =
      std::memcmp(find(number)->bytes.data(), request.data, request.sizeBytes) == 0;
  DAOS_ASSERT(isUnchanged);  // a buffer must not change under a write
  if (fate.isError) {
    tear(*find(number));
    co_return failure(request, "medium error");
  }
  find(number)->isCompleted = true;
  if (!request.isDurable) co_return Status{};
  const CachedWrite own = *find(number);
  cache_.erase(find(number));
  supersede(own);
  DAOS_CO_CHECK(co_await settle(own));
  co_return co_await below_.flush();
}

// A cache never brings older bytes over newer ones that are on the medium.
void FaultyMedia::supersede(const CachedWrite& newer) {
  for (CachedWrite& older : cache_) {
    if (older.number >= newer.number) continue;
    const uint64_t from = std::max(older.offset, newer.offset);
    const uint64_t to =
        std::min(older.offset + older.bytes.size(), newer.offset + newer.bytes.size());
    if (from >= to) continue;
    std::memcpy(older.bytes.data() + (from - older.offset),
                newer.bytes.data() + (from - newer.offset), to - from);
  }
}

// To the device below, whole blocks: a write of sectors fills up with what is there.
Task<Status> FaultyMedia::settle(const CachedWrite& write) {
  const uint64_t from = alignDown(write.offset, kMediaBlockSize);
  const uint64_t to = alignUp(write.offset + write.bytes.size(), kMediaBlockSize);
  const AlignedBytes blocks = allocateAligned(to - from);
  const MutableBytes bytes{blocks.get(), to - from};
  if (bytes.size() != write.bytes.size()) DAOS_CO_CHECK(co_await below_.read(from, bytes));
  std::memcpy(blocks.get() + (write.offset - from), write.bytes.data(), write.bytes.size());
  co_return co_await below_.write(from, bytes);
}

// What had completed before the flush was submitted. It stays in the cache until it is below: reads
// see it, a power cut may lose it, and no old bytes come over what is written meanwhile.
Task<Status> FaultyMedia::flush(uint64_t number, const Fate& fate) {
  if (fate.isError) co_return Error(ErrorCode::kIo, name() + ": flush: medium error");
  std::vector<std::pair<uint64_t, uint64_t>> covered;  // number and offset
  for (const CachedWrite& write : cache_) {
    const bool isCovered = write.isCompleted && write.number <= number;
    if (isCovered) covered.push_back({write.number, write.offset});
  }
  for (const auto& [each, offset] : covered) {
    const auto isSame = [&](const CachedWrite& write) {
      return write.number == each && write.offset == offset;
    };
    auto at = std::find_if(cache_.begin(), cache_.end(), isSame);
    if (at == cache_.end()) continue;  // another flush has brought it below
    supersede(*at);
    const CachedWrite own = *at;
    DAOS_CO_CHECK(co_await settle(own));
    at = std::find_if(cache_.begin(), cache_.end(), isSame);
    if (at != cache_.end()) cache_.erase(at);
  }
  co_return co_await below_.flush();
}

void FaultyMedia::processDied() {
  std::erase_if(cache_, [this](const CachedWrite& write) {
    return !write.isCompleted && random_.chance(1, 2);
  });
  for (CachedWrite& write : cache_) write.isCompleted = true;
  clearFailure();
}

Task<Status> FaultyMedia::cutPower() {
  ++counts_.powerCuts;
  const uint64_t keptQuarters = random_.below(5);
  const uint64_t sector = sectorSizeBytes();
  for (const CachedWrite& write : cache_) {
    for (uint64_t at = 0; at < write.bytes.size(); at += sector) {
      const bool isKept = random_.below(4) < keptQuarters;
      ++(isKept ? counts_.sectorsKept : counts_.sectorsLost);
      if (!isKept) continue;
      const auto begin = write.bytes.begin() + static_cast<ptrdiff_t>(at);
      const CachedWrite part{
          write.number, write.offset + at, {begin, begin + static_cast<ptrdiff_t>(sector)}, true};
      DAOS_CO_CHECK(co_await settle(part));
    }
  }
  cache_.clear();
  clearFailure();
  co_return co_await below_.flush();
}

}  // namespace daos::bio
