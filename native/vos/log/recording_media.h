// Devices that remember everything done to them, and the states a power cut could leave them in.
// For tests.
//
// The record runs over all devices in order. At any place in it a crash leaves: what was flushed or
// written durably, and of every other write (completed or under way) all, nothing or a part, each
// for itself. A discard is a write of something else.
#pragma once

#include <cstring>
#include <functional>
#include <set>
#include <vector>

#include "bio/media.h"

namespace daos::vos {

struct RecordedEvent {
  enum class Kind : uint8_t { kWrite, kWritten, kFlush, kFlushed, kNote };
  Kind kind;
  uint32_t device = 0;
  uint64_t number = 0;  // of the write or flush; of a note: its value
  uint64_t offset = 0;
  bool isDurable = false;
  std::vector<std::byte> bytes;
};

class Record {
 public:
  using Images = std::vector<std::vector<std::byte>>;
  using Visit = std::function<void(uint64_t note, Images& images)>;

  uint32_t addDevice(std::vector<std::byte>* content) {
    contents_.push_back(content);
    return static_cast<uint32_t>(contents_.size() - 1);
  }
  uint64_t add(RecordedEvent event) {
    if (event.kind == RecordedEvent::Kind::kWrite || event.kind == RecordedEvent::Kind::kFlush)
      event.number = ++last_;
    events_.push_back(std::move(event));
    return events_.back().number;
  }
  void note(uint64_t value) { add({.kind = RecordedEvent::Kind::kNote, .number = value}); }
  const std::vector<RecordedEvent>& events() const { return events_; }
  // What is on the devices now is where crashes start from.
  void restart() {
    events_.clear();
    base_.clear();
    for (const auto* content : contents_) base_.push_back(*content);
  }

  // Calls `visit` for every state a crash after the first `count` events can leave, with the
  // greatest note before it. `images` has a content per device; `visit` leaves them as they are.
  void visitCrashes(size_t count, const Visit& visit) const;
  // The same for every place in the record, but for those where a crash leaves what it left at the
  // place before. Returns how many places those were.
  using VisitPlace = std::function<void(size_t count, uint64_t note, Images& images)>;
  size_t visitAllCrashes(const VisitPlace& visit) const;

 private:
  // The devices while the record is replayed: what is on the medium for certain, and the rest.
  struct Loose {
    RecordedEvent write;
    bool isWritten = false;
    uint64_t coveredBy = 0;  // the flush under way that covers it
  };
  struct Replay {
    Images images;
    std::vector<Loose> loose;
    uint64_t note = 0;
  };
  static bool settles(Loose& each, const RecordedEvent& event);
  static void supersede(std::vector<Loose>& loose, const RecordedEvent& newer);
  // True when a crash after the event leaves other states than one before it.
  static bool step(Replay& replay, const RecordedEvent& event);
  void visitNow(Replay& replay, const Visit& visit) const;
  void visitSubsets(Images& images, const std::vector<const RecordedEvent*>& loose, uint64_t note,
                    const Visit& visit) const;

  std::vector<std::vector<std::byte>*> contents_;
  std::vector<std::vector<std::byte>> base_;
  std::vector<RecordedEvent> events_;
  uint64_t last_ = 0;
};

class RecordingMedia final : public bio::Media {
 public:
  static constexpr std::byte kDiscarded{0xdd};

  RecordingMedia(Reactor& reactor, Record& record, std::string name, uint64_t sizeBytes)
      : Media(reactor, std::move(name), sizeBytes, 512),
        record_(record),
        own_(sizeBytes),
        content_(own_),
        device_(record.addDevice(&content_)) {}
  // Over content that somebody else keeps, and finds unchanged when the device is gone.
  RecordingMedia(Reactor& reactor, Record& record, std::string name,
                 std::vector<std::byte>& content)
      : Media(reactor, std::move(name), content.size(), 512),
        record_(record),
        content_(content),
        device_(record.addDevice(&content_)) {}
  ~RecordingMedia() override {
    for (auto each = overwritten_.rbegin(); each != overwritten_.rend(); ++each) {
      std::memcpy(content_.data() + each->offset, each->bytes.data(), each->bytes.size());
    }
  }
  std::vector<std::byte>& content() { return content_; }
  // Requests end so many turns of the loop later than they would.
  void delayBy(size_t turnCount) { delayTurnCount_ = turnCount; }
  bool canDiscard() const override { return true; }

 protected:
  void start(bio::MediaRequest& request) override {
    using Kind = RecordedEvent::Kind;
    switch (request.operation) {
      case bio::MediaOperation::kRead:
        std::memcpy(request.data, content_.data() + request.offset, request.sizeBytes);
        break;
      case bio::MediaOperation::kWrite:
        request.driverWord = put(request, {request.data, request.data + request.sizeBytes});
        break;
      case bio::MediaOperation::kDiscard:
        request.driverWord = put(request, std::vector<std::byte>(request.sizeBytes, kDiscarded));
        break;
      case bio::MediaOperation::kFlush:
        request.driverWord = record_.add({.kind = Kind::kFlush, .device = device_});
        break;
    }
    if (delayTurnCount_ > 0) return reactor().spawn(endLater(request));
    request.run = [](Message* message) {
      auto& done = *static_cast<bio::MediaRequest*>(message);
      static_cast<RecordingMedia&>(*done.media).end(done);
    };
    reactor().post(&request);
  }

 private:
  Task<void> endLater(bio::MediaRequest& request) {
    for (size_t turn = 0; turn <= delayTurnCount_; ++turn) co_await reactor().yield();
    end(request);
  }
  uint64_t put(const bio::MediaRequest& request, std::vector<std::byte> bytes) {
    if (own_.empty()) keep(request.offset, request.sizeBytes);
    std::memcpy(content_.data() + request.offset, bytes.data(), bytes.size());
    return record_.add({RecordedEvent::Kind::kWrite, device_, 0, request.offset,
                        request.isDurable, std::move(bytes)});
  }
  struct Overwritten {
    uint64_t offset;
    std::vector<std::byte> bytes;
  };
  void keep(uint64_t offset, uint64_t size) {
    const std::byte* at = content_.data() + offset;
    overwritten_.push_back({offset, {at, at + size}});
  }
  void end(bio::MediaRequest& request) {
    using Kind = RecordedEvent::Kind;
    if (request.operation == bio::MediaOperation::kWrite ||
        request.operation == bio::MediaOperation::kDiscard) {
      record_.add({.kind = Kind::kWritten, .device = device_, .number = request.driverWord});
    }
    if (request.operation == bio::MediaOperation::kFlush) {
      record_.add({.kind = Kind::kFlushed, .device = device_, .number = request.driverWord});
    }
    finish(request, {});
  }

  Record& record_;
  std::vector<std::byte> own_;
  std::vector<Overwritten> overwritten_;
  std::vector<std::byte>& content_;
  const uint32_t device_;
  size_t delayTurnCount_ = 0;
};

// --- the states

using Keeps = bool (*)(size_t sector, size_t sectorCount);

inline void apply(Record::Images& images, const RecordedEvent& write, Keeps keeps) {
  const size_t sectorCount = write.bytes.size() / 512;
  for (size_t sector = 0; sector < sectorCount; ++sector) {
    if (!keeps(sector, sectorCount)) continue;
    std::memcpy(images[write.device].data() + write.offset + sector * 512,
                write.bytes.data() + sector * 512, 512);
  }
}

inline bool keepAll(size_t, size_t) { return true; }

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
inline std::set<std::vector<bool>> subsetsOf(size_t count) {
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
inline void Record::visitSubsets(Images& images, const std::vector<const RecordedEvent*>& loose,
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
inline void Record::supersede(std::vector<Loose>& loose, const RecordedEvent& newer) {
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

inline bool Record::settles(Loose& each, const RecordedEvent& event) {
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

inline bool Record::step(Replay& replay, const RecordedEvent& event) {
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

inline void Record::visitNow(Replay& replay, const Visit& visit) const {
  std::vector<const RecordedEvent*> writes;
  for (const Loose& each : replay.loose) writes.push_back(&each.write);
  visitSubsets(replay.images, writes, replay.note, visit);
}

inline void Record::visitCrashes(size_t count, const Visit& visit) const {
  Replay replay{base_, {}, 0};
  for (size_t i = 0; i < count; ++i) step(replay, events_[i]);
  visitNow(replay, visit);
}

inline size_t Record::visitAllCrashes(const VisitPlace& visit) const {
  Replay replay{base_, {}, 0};
  size_t placeCount = 0;
  for (size_t count = 0; count <= events_.size(); ++count) {
    if (count > 0 && !step(replay, events_[count - 1])) continue;
    ++placeCount;
    visitNow(replay, [&](uint64_t note, Images& images) { visit(count, note, images); });
  }
  return placeCount;
}

}  // namespace daos::vos
