// Goal: after a power failure a pool on persistent memory opens and holds every acknowledged write,
// and the one in flight wholly or not at all, whichever cache lines reached the medium. Method: the
// flushes and fences of random writes are recorded; at random ones an image is made of what the
// medium may hold then, put into the file, opened, and compared with the model. Recoveries are
// recorded and cut short in the same way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "testing/leftovers.h"
#include "vos/proof/history_generator.h"
#include "vos/proof/history_runner.h"
#include "vos/proof/power_loss.h"

namespace daos::vos::proof {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSessionCount = 3;
#else
constexpr uint64_t kSessionCount = 14;
#endif
constexpr size_t kWritesPerSession = 60;
constexpr PoolOptions kOptions = {PoolOptions::kNeverToMedia};

using FileBytes = std::vector<std::byte>;

// The whole file, as memory.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR);
    struct stat about {};
    DAOS_ASSERT(file >= 0 && fstat(file, &about) == 0);
    size_ = static_cast<size_t>(about.st_size);
    void* at = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    DAOS_ASSERT(at != MAP_FAILED);
    data_ = static_cast<std::byte*>(at);
    close(file);
  }
  ~MappedFile() { munmap(data_, size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MutableBytes bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Where the arena lies in its file.
FileRegion regionOf(const std::string& path, const Arena& arena) {
  std::ifstream maps("/proc/self/maps");
  uint64_t begin = 0;
  for (std::string line; std::getline(maps, line) && begin == 0;) {
    if (line.find(path) != std::string::npos) begin = std::stoull(line, nullptr, 16);
  }
  DAOS_ASSERT(begin != 0);
  return {reinterpret_cast<uint64_t>(arena.base()) - begin, arena.size()};
}

class PowerLossSession {
 public:
  explicit PowerLossSession(uint64_t seed)
      : random_(seed),
        generator_(HistoryShape::choose(random_), random_),
        path_(nameInSharedMemory("vos_proof.power")),
        source_(pmemSource(path_, PmemArena::kSizeMin, Flushing::kEverywhere)) {}

  void run() {
    ASSERT_NO_FATAL_FAILURE(record());
    for (const PowerLossImage& image : images_) {
      ASSERT_NO_FATAL_FAILURE(check(image)) << "image of write " << image.step;
    }
  }
  uint64_t imageCount() const { return imageCount_; }
  uint64_t doneInFlight() const { return doneInFlight_; }
  uint64_t undoneInFlight() const { return undoneInFlight_; }
  // 0 when all writes were refused.
  uint64_t fenceCount() const { return fenceCount_; }

 private:
  void record();
  void writeUnrecorded(Store& store);
  // Brings `acknowledged_` up to the writes before `step`.
  void advanceTo(uint64_t step);
  void check(const PowerLossImage& image);
  // `recorded`: the file's content, when the recovery is to be recorded.
  void openAndCompare(uint64_t step, const FileBytes* recorded);
  void compare(Container& container, uint64_t step);
  // Puts `bytes`, with `lines` over them, into the file.
  void fillFile(const FileBytes& bytes, const std::vector<PersistedLine>& lines);
  Bytes arenaOf(const FileBytes& file) const {
    return Bytes(file).subspan(region_.offset, region_.size);
  }

  SeededRandom random_;
  HistoryGenerator generator_;
  const std::string path_;
  const std::unique_ptr<ArenaSource> source_;
  FileRegion region_;
  std::optional<MappedFile> mapped_;
  FileBytes initial_;              // the file when recording began
  FileBytes found_;                // the file that a recorded recovery begins with
  std::vector<Operation> writes_;  // recorded; only those that succeeded
  ReferenceModel acknowledged_;    // with the first advanced_ of them
  uint64_t advanced_ = 0;
  std::vector<PowerLossImage> images_;
  std::vector<PowerLossImage> recoveryImages_;
  uint64_t imageCount_ = 0;
  uint64_t doneInFlight_ = 0;
  uint64_t undoneInFlight_ = 0;
  uint64_t fenceCount_ = 0;
};

void PowerLossSession::writeUnrecorded(Store& store) {
  const uint64_t count = random_.below(400);
  for (uint64_t i = 0; i < count; ++i) {
    const Operation operation = generator_.nextWrite();
    if (HistoryRunner::write(store.container(), operation).ok()) acknowledged_.apply(operation);
  }
}

void PowerLossSession::record() {
  const auto store = Store::create(*source_, kOptions);
  ASSERT_TRUE(store.ok()) << store.error().describe();
  writeUnrecorded(**store);
  region_ = regionOf(path_, (*store)->pool().arena());
  mapped_.emplace(path_);
  initial_.assign(mapped_->bytes().begin(), mapped_->bytes().end());
  PowerLossRecorder recorder(region_, arenaOf(initial_), random_, {});
  for (size_t i = 0; i < kWritesPerSession; ++i) {
    const Operation operation = generator_.nextWrite();
    recorder.noteStep(writes_.size());
    if (HistoryRunner::write((*store)->container(), operation).ok()) writes_.push_back(operation);
  }
  fenceCount_ = recorder.fenceCount();
  images_ = recorder.takeImages();
}

void PowerLossSession::fillFile(const FileBytes& bytes, const std::vector<PersistedLine>& lines) {
  const MutableBytes file = mapped_->bytes();
  DAOS_ASSERT(file.size() == bytes.size());
  std::memcpy(file.data(), bytes.data(), bytes.size());
  for (const PersistedLine& line : lines) {
    std::memcpy(file.data() + region_.offset + line.offset, line.bytes.data(), line.bytes.size());
  }
}

void PowerLossSession::advanceTo(uint64_t step) {
  while (advanced_ < step) acknowledged_.apply(writes_[advanced_++]);
}

void PowerLossSession::check(const PowerLossImage& image) {
  advanceTo(image.step);
  fillFile(initial_, image.lines);
  const bool isRecorded = random_.chance(1, 4);
  if (isRecorded) found_.assign(mapped_->bytes().begin(), mapped_->bytes().end());
  ASSERT_NO_FATAL_FAILURE(openAndCompare(image.step, isRecorded ? &found_ : nullptr));
  for (const PowerLossImage& second : std::exchange(recoveryImages_, {})) {
    fillFile(found_, second.lines);
    ASSERT_NO_FATAL_FAILURE(openAndCompare(image.step, nullptr))
        << "after a second failure, in recovery";
  }
}

void PowerLossSession::openAndCompare(uint64_t step, const FileBytes* recorded) {
  ++imageCount_;
  std::optional<PowerLossRecorder> recorder;
  if (recorded) recorder.emplace(region_, arenaOf(*recorded), random_, PowerLossOptions{10});
  const auto store = Store::open(*source_, kOptions);
  if (recorder) recoveryImages_ = recorder->takeImages();
  recorder.reset();
  ASSERT_TRUE(store.ok()) << store.error().describe();
  ASSERT_NO_FATAL_FAILURE(compare((*store)->container(), step));
}

void PowerLossSession::compare(Container& container, uint64_t step) {
  const Difference without = Comparison(container, acknowledged_).everything(kEpochMax, 100);
  if (!without) {
    ++undoneInFlight_;
    return;
  }
  ASSERT_LT(step, writes_.size()) << "nothing was in flight: " << *without;
  ReferenceModel next = acknowledged_;
  ASSERT_EQ(takeInFlight(container, writes_[step], next).value_or(""), "");
  const Difference with = Comparison(container, next).everything(kEpochMax, 100);
  ASSERT_FALSE(with.has_value()) << "in flight: " << toText(writes_[step])
                                 << "\nwithout it: " << *without << "\nwith it: " << *with;
  ++doneInFlight_;
}

TEST(VosPowerLoss, AnyChoiceOfUnfencedCacheLinesLeavesAStateBetweenTwoWrites) {
  uint64_t images = 0;
  uint64_t done = 0;
  uint64_t undone = 0;
  uint64_t recorded = 0;
  for (uint64_t seed = 1; seed <= kSessionCount; ++seed) {
    PowerLossSession session(seed);
    ASSERT_NO_FATAL_FAILURE(session.run()) << "session of seed " << seed;
    images += session.imageCount();
    done += session.doneInFlight();
    undone += session.undoneInFlight();
    recorded += session.fenceCount() != 0 ? 1 : 0;
  }
  EXPECT_GT(recorded, kSessionCount / 2);
  std::printf("%llu images opened: the write in flight was there in %llu, not in %llu\n",
              static_cast<unsigned long long>(images), static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(undone));
  EXPECT_GT(done, 0u);
  EXPECT_GT(undone, 0u);
}

}  // namespace
}  // namespace daos::vos::proof
