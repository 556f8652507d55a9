// What the client's handles share: one reactor, one endpoint, limits and small reusable memory.
//
// Thread: the reactor's, as everything in client/ but ClientThread, EventQueue and Event.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "model/io.h"
#include "rpc/rpc.h"
#include "runtime/random.h"
#include "runtime/reactor.h"

namespace daos::client {

struct ContextOptions {
  uint64_t timeoutNs = 10'000'000'000;  // of an operation that names none, retries included
  uint64_t retryPauseNs = 2'000'000;    // first pause; doubles up to retryPauseMaxNs
  uint64_t retryPauseMaxNs = 200'000'000;
  Log log;
};

// The endpoint is borrowed and outlives the context.
class Context {
 public:
  Context(Reactor& reactor, Random& random, rpc::Endpoint& endpoint, ContextOptions options = {})
      : reactor_(reactor),
        random_(random),
        endpoint_(endpoint),
        options_(std::move(options)),
        client_(random.next()) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Reactor& reactor() const { return reactor_; }
  Random& random() const { return random_; }
  rpc::Endpoint& endpoint() const { return endpoint_; }
  const ContextOptions& options() const { return options_; }
  FrameCache& frames() const { return reactor_.frames(); }

  // Memory of one call that returns to the context when it goes; no allocation once warm.
  class Scratch {
   public:
    explicit Scratch(Context& context) : context_(context), parts_(context.takeParts()) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() { context_.spareParts_.push_back(std::move(parts_)); }
    std::vector<std::byte>& body() { return parts_->body; }
    // Empty.
    std::vector<MutableBytes>& pieces() { return parts_->pieces; }

   private:
    friend class Context;
    struct Parts {
      std::vector<std::byte> body;
      std::vector<MutableBytes> pieces;
    };
    Context& context_;
    std::unique_ptr<Parts> parts_;
  };

  // The name of one modification at its target, while it lives: see OperationId.
  class Operation {
   public:
    explicit Operation(Context& context) : context_(context), slot_(context.takeSlot()) {}
    Operation(const Operation&) = delete;
    ~Operation() {
      if (slot_ < kSlotCountMax) context_.spareSlots_.push_back(slot_);
    }
    // None where too many are under way.
    OperationId id() const {
      if (slot_ == kSlotCountMax) return {};
      const uint64_t sequence = context_.sequences_[slot_];
      return {context_.client_, uint64_t{slot_} << OperationId::kSequenceBits | sequence};
    }

   private:
    Context& context_;
    const uint32_t slot_;
  };

 private:
  static constexpr uint32_t kSlotCountMax = 65536;

  // The slot that was given back last comes first: targets keep one record for each that was used.
  uint32_t takeSlot() {
    if (spareSlots_.empty()) {
      if (sequences_.size() == kSlotCountMax) return kSlotCountMax;
      sequences_.push_back(0);
      spareSlots_.push_back(static_cast<uint32_t>(sequences_.size() - 1));
    }
    const uint32_t slot = spareSlots_.back();
    spareSlots_.pop_back();
    ++sequences_[slot];
    return slot;
  }
  std::unique_ptr<Scratch::Parts> takeParts() {
    if (spareParts_.empty()) return std::make_unique<Scratch::Parts>();
    std::unique_ptr<Scratch::Parts> parts = std::move(spareParts_.back());
    spareParts_.pop_back();
    parts->pieces.clear();
    return parts;
  }
  Reactor& reactor_;
  Random& random_;
  rpc::Endpoint& endpoint_;
  const ContextOptions options_;
  std::vector<std::unique_ptr<Scratch::Parts>> spareParts_;
  const uint64_t client_;
  std::vector<uint64_t> sequences_;  // by slot: of its newest operation
  std::vector<uint32_t> spareSlots_;
};

// Tasks that begin with a context take their frames from its reactor.
inline FrameCache& frameCacheOf(Context& context) { return context.frames(); }

}  // namespace daos::client
