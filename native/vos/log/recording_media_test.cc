#include "vos/log/recording_media.h"

#include <gtest/gtest.h>

namespace daos::vos {

using Keeps = bool (*)(size_t sector, size_t sectorCount);

static void apply(Record::Images& images, const RecordedEvent& write, Keeps keeps) {
  const size_t sectorCount = write.bytes.size() / 512;
  for (size_t sector = 0; sector < sectorCount; ++sector) {
    if (!keeps(sector, sectorCount)) continue;
    std::memcpy(images[write.device].data() + write.offset + sector * 512,
                write.bytes.data() + sector * 512, 512);
  }
}

static bool keepAll(size_t, size_t) { return true; }

// What lies where the loose writes would go, put back at the end.
class Restorer {
 public:
  Restorer(Record::Images& images, const std::vector<const RecordedEvent*>& writes)
      : images_(images), writes_(writes) {
    for (const RecordedEvent* write : writes) {
      const std::byte* at = images[write->device].data() + write->offset;
      before_.emplace_back(at, at + write->bytes.size());
    }
  }
  void restore() {
    for (size_t i = writes_.size(); i-- > 0;) {
      std::memcpy(images_[writes_[i]->device].data() + writes_[i]->offset, before_[i].data(),
                  before_[i].size());
    }
  }

 private:
  Record::Images& images_;
  const std::vector<const RecordedEvent*>& writes_;
  std::vector<std::vector<std::byte>> before_;
};

// All subsets of a few loose writes; of many: none, all, each alone kept, each alone lost.
static std::set<std::vector<bool>> subsetsOf(size_t count) {
  std::set<std::vector<bool>> subsets;
  for (size_t bits = 0; count <= 5 && bits < size_t{1} << count; ++bits) {
    std::vector<bool> subset(count);
    for (size_t i = 0; i < count; ++i) subset[i] = bits >> i & 1;
    subsets.insert(subset);
  }
  for (const bool kept : {false, true}) {
    subsets.insert(std::vector<bool>(count, kept));
    for (size_t i = 0; i < count; ++i) {
      std::vector<bool> subset(count, !kept);
      subset[i] = kept;
      subsets.insert(subset);
    }
  }
  return subsets;
}

// After the subsets, each write in turn torn in several ways, with the others lost and with the
// others kept.
void Record::visitSubsets(Images& images, const std::vector<const RecordedEvent*>& loose,
                          uint64_t note, const Visit& visit) const {
  Restorer restorer(images, loose);
  for (const auto& subset : subsetsOf(loose.size())) {
    for (size_t i = 0; i < loose.size(); ++i) {
      if (subset[i]) apply(images, *loose[i], keepAll);
    }
    visit(note, images);
    restorer.restore();
  }
  constexpr Keeps kTears[] = {[](size_t sector, size_t) { return sector == 0; },
                              [](size_t sector, size_t) { return sector != 0; },
                              [](size_t sector, size_t sectors) { return sector < sectors / 2; },
                              [](size_t sector, size_t sectors) { return sector + 1 != sectors; },
                              [](size_t sector, size_t) { return sector % 2 == 1; }};
  for (size_t torn = 0; torn < loose.size(); ++torn) {
    for (const Keeps tear : kTears) {
      for (const bool others : {false, true}) {
        if (others && loose.size() == 1) continue;
        for (size_t i = 0; i < loose.size(); ++i) {
          if (i == torn)
            apply(images, *loose[i], tear);
          else if (others)
            apply(images, *loose[i], keepAll);
        }
        visit(note, images);
        restorer.restore();
      }
    }
  }
}

// A cache never brings back older bytes over newer ones that are on the medium.
void Record::supersede(std::vector<Loose>& loose, const RecordedEvent& newer) {
  for (Loose& older : loose) {
    RecordedEvent& write = older.write;
    if (write.device != newer.device || write.number >= newer.number) continue;
    const uint64_t from = std::max(write.offset, newer.offset);
    const uint64_t to =
        std::min(write.offset + write.bytes.size(), newer.offset + newer.bytes.size());
    if (from >= to) continue;
    std::memcpy(write.bytes.data() + (from - write.offset),
                newer.bytes.data() + (from - newer.offset), to - from);
  }
}

bool Record::settles(Loose& each, const RecordedEvent& event) {
  using Kind = RecordedEvent::Kind;
  if (event.kind == Kind::kWritten && each.write.number == event.number) {
    each.isWritten = true;
    return each.write.isDurable;
  }
  const bool isSame = each.write.device == event.device;
  if (event.kind == Kind::kFlush && isSame && each.isWritten && !each.coveredBy)
    each.coveredBy = event.number;
  return event.kind == Kind::kFlushed && each.coveredBy == event.number;
}

bool Record::step(Replay& replay, const RecordedEvent& event) {
  bool isNews = event.kind == RecordedEvent::Kind::kWrite;
  if (isNews) replay.loose.push_back({event});
  if (event.kind == RecordedEvent::Kind::kNote && event.number > replay.note) {
    replay.note = event.number;
    isNews = true;
  }
  for (size_t at = 0; at < replay.loose.size();) {
    if (!settles(replay.loose[at], event)) {
      ++at;
      continue;
    }
    const RecordedEvent settled = std::move(replay.loose[at].write);
    replay.loose.erase(replay.loose.begin() + static_cast<ptrdiff_t>(at));
    apply(replay.images, settled, keepAll);
    supersede(replay.loose, settled);
    isNews = true;
  }
  return isNews;
}

void Record::visitNow(Replay& replay, const Visit& visit) const {
  std::vector<const RecordedEvent*> writes;
  for (const Loose& each : replay.loose) writes.push_back(&each.write);
  visitSubsets(replay.images, writes, replay.note, visit);
}

void Record::visitCrashes(size_t count, const Visit& visit) const {
  Replay replay{base_, {}, 0};
  for (size_t i = 0; i < count; ++i) step(replay, events_[i]);
  visitNow(replay, visit);
}

size_t Record::visitAllCrashes(const VisitPlace& visit) const {
  Replay replay{base_, {}, 0};
  size_t placeCount = 0;
  for (size_t count = 0; count <= events_.size(); ++count) {
    if (count > 0 && !step(replay, events_[count - 1])) continue;
    ++placeCount;
    visitNow(replay, [&](uint64_t note, Images& images) { visit(count, note, images); });
  }
  return placeCount;
}

namespace {

Task<void> play(RecordingMedia& media, std::byte* block) {
  (void)co_await media.write(0, {block, 4096});
  (void)co_await media.flush();
  (void)co_await media.write(4096, {block, 4096});
  (void)co_await media.writeDurable(8192, {block, 4096});
}

// Settled writes are there in every state, loose ones in some and not in others, and some torn.
TEST(VosRecordingMedia, ACrashKeepsWhatWasFlushedAndVariesTheRest) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  Record record;
  RecordingMedia media(*reactor, record, "device", 16384);
  record.restart();
  alignas(4096) static std::byte block[4096];
  std::memset(block, 1, sizeof(block));
  reactor->spawn(play(media, block));
  reactor->runUntil([&] { return reactor->spawnedCount() == 0; });
  std::set<std::vector<std::byte>> states;
  record.visitCrashes(record.events().size(), [&](uint64_t, Record::Images& images) {
    EXPECT_EQ(std::memcmp(images[0].data(), block, 4096), 0);
    EXPECT_EQ(std::memcmp(images[0].data() + 8192, block, 4096), 0);
    states.insert({images[0].begin() + 4096, images[0].begin() + 8192});
  });
  EXPECT_EQ(states.size(), 2u + 5u);
}

TEST(VosRecordingMedia, AllPlacesGiveTheStatesThatEachGives) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  Record record;
  RecordingMedia media(*reactor, record, "device", 16384);
  record.restart();
  alignas(4096) static std::byte block[4096];
  std::memset(block, 1, sizeof(block));
  reactor->spawn(play(media, block));
  reactor->runUntil([&] { return reactor->spawnedCount() == 0; });
  std::set<Record::Images> each, all;
  for (size_t count = 0; count <= record.events().size(); ++count) {
    record.visitCrashes(count, [&](uint64_t, Record::Images& images) { each.insert(images); });
  }
  const size_t placeCount = record.visitAllCrashes(
      [&](size_t, uint64_t, Record::Images& images) { all.insert(images); });
  EXPECT_EQ(all, each);
  EXPECT_LT(placeCount, record.events().size());
}

}  // namespace
}  // namespace daos::vos
