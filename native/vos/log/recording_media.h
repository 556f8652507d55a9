// Devices that remember everything done to them, and the states a power cut could leave them in.
// For tests.
//
// The record runs over all devices in order. At any place in it a crash leaves: what was flushed or
// written durably, and of every other write (completed or under way) all, nothing or a part, each
// for itself.
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

 protected:
  void start(bio::MediaRequest& request) override {
    using Kind = RecordedEvent::Kind;
    switch (request.operation) {
      case bio::MediaOperation::kRead:
        std::memcpy(request.data, content_.data() + request.offset, request.sizeBytes);
        break;
      case bio::MediaOperation::kWrite:
        if (own_.empty()) keep(request.offset, request.sizeBytes);
        std::memcpy(content_.data() + request.offset, request.data, request.sizeBytes);
        request.driverWord = record_.add({Kind::kWrite,
                                          device_,
                                          0,
                                          request.offset,
                                          request.isDurable,
                                          {request.data, request.data + request.sizeBytes}});
        break;
      case bio::MediaOperation::kFlush:
        request.driverWord = record_.add({.kind = Kind::kFlush, .device = device_});
        break;
      case bio::MediaOperation::kDiscard:
        break;
    }
    request.run = [](Message* message) {
      auto& done = *static_cast<bio::MediaRequest*>(message);
      static_cast<RecordingMedia&>(*done.media).end(done);
    };
    reactor().post(&request);
  }

 private:
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
    if (request.operation == bio::MediaOperation::kWrite) {
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
};

}  // namespace daos::vos
