#include "engine/request_trace.h"

#include <utility>

#include "engine/target.h"

namespace daos::engine {

void RequestSpans::add(const RequestSpan& span) {
  Done done;
  Taken taken;
  {
    std::lock_guard lock(mutex_);
    if (held_.spans.size() == kCountMax) {
      ++held_.droppedCount;
      return;
    }
    held_.spans.push_back(span);
    if (!waiting_) return;
    done = std::exchange(waiting_, nullptr);
    taken = take();
  }
  done(std::move(taken));
}

void RequestSpans::await(Done done) {
  Taken taken;
  {
    std::lock_guard lock(mutex_);
    if (!isClosed_ && held_.spans.empty()) std::swap(done, waiting_);
    if (!done) return;
    taken = take();
  }
  done(std::move(taken));
}

void RequestSpans::close() {
  Done done;
  {
    std::lock_guard lock(mutex_);
    isClosed_ = true;
    done = std::exchange(waiting_, nullptr);
  }
  if (done) done({});
}

RequestSpans::Taken RequestSpans::take() { return std::exchange(held_, {}); }

RequestTrace::RequestTrace(const Target& target, const rpc::Request& request, Operation operation)
    : target_(target) {
  if (!request.trace() || !target.options().requestSpans) return;
  const Clock& clock = target.reactor().clock();
  beganNs_ = clock.nowNs();
  span_.emplace();
  span_->parent = *request.trace();
  span_->target = target.options().index;
  span_->operation = operation;
  span_->beganWallNs = clock.wallNs();
  note(Stage::kAdmit);
}

// An operation has fewer stages than there is room for; one that went round and round would lose
// its last ones.
void RequestTrace::note(Stage stage) {
  if (span_->stageCount == span_->stages.size()) return;
  const uint64_t beganNs = target_.reactor().clock().nowNs() - beganNs_;
  span_->stages[span_->stageCount++] = {stage, beganNs};
}

void RequestTrace::finish(ErrorCode code) {
  span_->code = code;
  span_->tookNs = target_.reactor().clock().nowNs() - beganNs_;
  target_.options().requestSpans->add(*span_);
  span_.reset();
}

}  // namespace daos::engine
