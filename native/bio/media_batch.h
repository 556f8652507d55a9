// Several requests awaited together.
//
//   MediaBatch batch(media);
//   batch.write(offset, bytes); …
//   Status status = co_await batch.all();
//
// Requests start when they are added; buffers live until all() has ended. Dropped before that, a
// batch must have nothing at the kernel (see MediaRequest).
#pragma once

#include <coroutine>
#include <deque>
#include <optional>

#include "bio/media.h"

namespace daos::bio {

class MediaBatch {
 public:
  explicit MediaBatch(Media& media) : media_(media) {}
  MediaBatch(const MediaBatch&) = delete;
  MediaBatch& operator=(const MediaBatch&) = delete;

  void read(uint64_t offset, MutableBytes into) { add(MediaOperation::kRead, offset, into); }
  void write(uint64_t offset, Bytes from) {
    add(MediaOperation::kWrite, offset, {const_cast<std::byte*>(from.data()), from.size()});
  }
  size_t inFlightCount() const { return inFlightCount_; }

  // co_await batch.all(): everything added has ended; the first error. co_await batch.atMost(n): at
  // most n requests are in flight any more.
  auto all() { return Awaiter{*this, 0}; }
  auto atMost(size_t count) { return Awaiter{*this, count}; }

 private:
  struct Request : MediaRequest {
    MediaBatch* batch = nullptr;
  };
  struct Awaiter {
    MediaBatch& batch;
    size_t count;
    bool await_ready() const noexcept { return batch.inFlightCount_ <= count; }
    void await_suspend(std::coroutine_handle<> waiter) const {
      batch.waiter_ = waiter;
      batch.waitedCount_ = count;
    }
    Status await_resume() const {
      if (batch.failure_) return *batch.failure_;
      return {};
    }
  };
  void add(MediaOperation operation, uint64_t offset, MutableBytes bytes) {
    if (unused_.empty()) {
      requests_.emplace_back();
      unused_.push_back(&requests_.back());
    }
    Request& request = *unused_.back();
    unused_.pop_back();
    request.batch = this;
    request.operation = operation;
    request.offset = offset;
    request.data = bytes.data();
    request.sizeBytes = bytes.size();
    request.completed = [](MediaRequest& done) {
      static_cast<Request&>(done).batch->ended(static_cast<Request&>(done));
    };
    ++inFlightCount_;
    media_.submit(request);
  }
  void ended(Request& request) {
    if (!request.status.ok() && !failure_) failure_ = std::move(request.status).error();
    unused_.push_back(&request);
    --inFlightCount_;
    if (waiter_ && inFlightCount_ <= waitedCount_) std::exchange(waiter_, nullptr).resume();
  }

  Media& media_;
  std::deque<Request> requests_;
  std::vector<Request*> unused_;
  size_t inFlightCount_ = 0;
  size_t waitedCount_ = 0;
  std::coroutine_handle<> waiter_;
  std::optional<Error> failure_;
};

}  // namespace daos::bio
