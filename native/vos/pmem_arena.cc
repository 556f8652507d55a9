#include "vos/pmem_arena.h"

#include <libpmem.h>
#include <libpmemobj.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace daos::vos {

namespace {

constexpr char kLayoutName[] = "daos_vos_arena_1";
constexpr uint64_t kObjectType = 1;
constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kMagic = 0x6d656d70736f7664;
constexpr uint32_t kVersion = 1;

// The object's first page, after alignment.
struct PmemHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t zero;
  uint64_t size;        // of the mapping from this header on
  uint64_t undoSize;    // the undo log follows the header's page
  uint64_t generation;  // of the undo records that a crash would have to apply
};
static_assert(sizeof(PmemHeader) == 40);

// The library's root object: where ours is.
struct Root {
  PMEMoid object;
  uint64_t objectSize;
};

uint64_t undoSizeFor(uint64_t size) {
  return std::clamp<uint64_t>(alignDown(size / 32, kPageSize), 512 * 1024, 32ull << 20);
}

// The library reserves some of the file for itself; how much depends on its size, so ask downwards.
bool allocateObject(PMEMobjpool* pool, uint64_t fileSize, Root* root) {
  uint64_t size = alignDown(fileSize - fileSize / 64 - (4ull << 20), kPageSize);
  for (int i = 0; i < 64; ++i) {
    if (pmemobj_alloc(pool, &root->object, size, kObjectType, nullptr, nullptr) == 0) {
      root->objectSize = size;
      pmemobj_persist(pool, root, sizeof *root);
      return true;
    }
    size -= size / 64 / kPageSize * kPageSize + kPageSize;
  }
  return false;
}

Error openError(const std::string& path, int cause) {
  const std::string text = path + ": " + pmemobj_errormsg();
  switch (cause) {
    case EWOULDBLOCK:
      return Error(ErrorCode::kBusy, path + " is in use by another process");
    case ENOENT: return Error(ErrorCode::kNonexist, path + " does not exist");
    case EACCES:
    case EPERM: return Error(ErrorCode::kNoPerm, text);
    case EEXIST: return Error(ErrorCode::kExist, path + " exists already");
    case ENOSPC: return Error(ErrorCode::kNospace, text);
    case ENOMEM: return Error(ErrorCode::kNomem, text);
    default: return Error(ErrorCode::kDfInval, text);
  }
}

bool isOnMemoryFileSystem(const std::string& path) {
  struct statfs info;
  return statfs(path.c_str(), &info) == 0 &&
         (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

}  // namespace

PmemArena::PmemArena(pmemobjpool* pool, PmemArenaOptions options)
    : pool_(pool),
      flushing_(options.flushing),
      isFlushing_(options.flushing != Flushing::kNone) {
  isUndoPersistent_ = true;
}

PmemArena::~PmemArena() {
  if (inTransaction()) abort();
  pmemobj_close(pool_);
}

Result<std::unique_ptr<PmemArena>> PmemArena::create(const std::string& path, uint64_t sizeBytes,
                                                     PmemArenaOptions options) {
  if (sizeBytes < kSizeMin) {
    return invalid(path + ": an arena of " + std::to_string(sizeBytes) +
                   " bytes is below the minimum of " + std::to_string(kSizeMin));
  }
  PMEMobjpool* pool = pmemobj_create(path.c_str(), kLayoutName, sizeBytes, 0600);
  if (!pool) return openError(path, errno);
  std::unique_ptr<PmemArena> arena(new PmemArena(pool, options));
  auto* root = static_cast<Root*>(pmemobj_direct(pmemobj_root(pool, sizeof(Root))));
  if (!root || !allocateObject(pool, sizeBytes, root)) {
    return Error(ErrorCode::kNospace, path + ": " + pmemobj_errormsg());
  }
  auto* object = static_cast<std::byte*>(pmemobj_direct(root->object));
  std::byte* begin = arena->place(path, object);
  const auto skip = static_cast<uint64_t>(begin - object);
  DAOS_CHECK(arena->format(begin, alignDown(root->objectSize - skip, kPageSize)));
  return arena;
}

Result<std::unique_ptr<PmemArena>> PmemArena::open(const std::string& path,
                                                   PmemArenaOptions options) {
  if (access(path.c_str(), F_OK) != 0) return openError(path, errno);
  PMEMobjpool* pool = pmemobj_open(path.c_str(), kLayoutName);
  if (!pool) return openError(path, errno);
  std::unique_ptr<PmemArena> arena(new PmemArena(pool, options));
  const size_t rootSize = pmemobj_root_size(pool);
  const auto* root = rootSize < sizeof(Root)
                         ? nullptr
                         : static_cast<Root*>(pmemobj_direct(pmemobj_root(pool, sizeof(Root))));
  auto* object = root ? static_cast<std::byte*>(pmemobj_direct(root->object)) : nullptr;
  if (!object || pmemobj_alloc_usable_size(root->object) < root->objectSize) {
    return Error(ErrorCode::kDfInval, path + ": creation of this arena was not completed");
  }
  std::byte* begin = arena->place(path, object);
  const auto skip = static_cast<uint64_t>(begin - object);
  Status status = arena->attach(begin, alignDown(root->objectSize - skip, kPageSize));
  if (!status.ok()) return std::move(status).error().within(path);
  return arena;
}

std::byte* PmemArena::place(const std::string& path, std::byte* object) {
  const auto address = reinterpret_cast<uintptr_t>(object);
  const bool isPmem = pmem_is_pmem(object, kPageSize) != 0;
  isMemory_ = isPmem || isOnMemoryFileSystem(path);
  if (flushing_ == Flushing::kAsNeeded && isMemory_) isFlushing_ = isPmem;
  return object + (alignUp(address, kPageSize) - address);
}

Status PmemArena::format(std::byte* begin, uint64_t size) {
  const uint64_t undoSize = undoSizeFor(size);
  const uint64_t prefixSize = kPageSize + undoSize;
  std::memset(begin, 0, prefixSize);
  DAOS_CHECK(formatArena(begin, size, prefixSize));
  setUndoLog(begin + kPageSize, begin + prefixSize);
  pmemobj_persist(pool_, begin, metadataSize());
  auto* header = reinterpret_cast<PmemHeader*>(begin);
  header->version = kVersion;
  header->size = size;
  header->undoSize = undoSize;
  header->generation = 1;
  pmemobj_persist(pool_, header, sizeof *header);
  header->magic = kMagic;  // last: what has it is complete
  pmemobj_persist(pool_, header, sizeof *header);
  undoGeneration_ = header->generation;
  return {};
}

Status PmemArena::attach(std::byte* begin, uint64_t size) {
  auto* header = reinterpret_cast<PmemHeader*>(begin);
  if (header->magic != kMagic) {
    return Error(ErrorCode::kDfInval, "creation of this arena was not completed");
  }
  if (header->version != kVersion) {
    return Error(ErrorCode::kDfIncompt, "format version " + std::to_string(header->version) +
                                            ", this program reads " + std::to_string(kVersion));
  }
  if (header->size != size || header->undoSize != undoSizeFor(size)) {
    return Error(ErrorCode::kDfInval, "sizes in the header contradict the file's");
  }
  std::byte* undo = begin + kPageSize;
  DAOS_TRY(const auto restored,
           applyUndo(begin, size, undo, undo + header->undoSize, header->generation));
  for (const ArenaRange& range : restored) flush(begin + range.offset, range.size);
  drain();
  setUndoLog(undo, undo + header->undoSize);
  DAOS_CHECK(attachArena(begin, size, kPageSize + header->undoSize));
  undoGeneration_ = header->generation;
  retireUndo();
  return {};
}

void PmemArena::flush(const void* from, size_t size) {
  if (isFlushing_) pmemobj_flush(pool_, from, size);
}

void PmemArena::drain() {
  if (isFlushing_) pmemobj_drain(pool_);
}

void PmemArena::flushUndo(const std::byte* from, const std::byte* to) {
  flush(from, static_cast<size_t>(to - from));
}

void PmemArena::drainUndo() { drain(); }

// All undo records written so far are void from here on.
void PmemArena::retireUndo() {
  auto* header = at<PmemHeader>(0);
  header->generation = ++undoGeneration_;
  flush(&header->generation, sizeof header->generation);
  drain();
}

void PmemArena::commitRanges(Ticket, std::span<const ArenaRange> changed) {
  for (const ArenaRange& range : changed) flush(base() + range.offset, range.size);
  drain();
  retireUndo();
}

void PmemArena::abortRanges(std::span<const ArenaRange> changed) {
  for (const ArenaRange& range : changed) flush(base() + range.offset, range.size);
  drain();
  retireUndo();
}

bool PmemArena::populateStep(size_t sizeMax) {
  if (!isMemory_) return false;
  if (populateEnd_ == 0) populateEnd_ = alignDown(size(), kPageSize);
  const uint64_t half = alignUp(sizeMax / 2, kPageSize);
  for (const bool isFront : {true, false}) {
    const uint64_t taken = std::min(half, populateEnd_ - populateBegin_);
    if (taken == 0) return false;
    std::byte* const pages = base() + (isFront ? populateBegin_ : populateEnd_ - taken);
    isFront ? populateBegin_ += taken : populateEnd_ -= taken;
    // A kernel that can't, or a page that isn't to be had: stores find out for themselves.
    if (madvise(pages, taken, MADV_POPULATE_WRITE) != 0) return isMemory_ = false;
  }
  return populateBegin_ < populateEnd_;
}

Task<Status> PmemArena::waitDurable(Ticket) { co_return Status{}; }

}  // namespace daos::vos
