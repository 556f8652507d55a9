// What the client's handles share: one reactor, one endpoint, limits and small reusable memory.
//
// Thread: the reactor's, as everything in client/ but ClientThread, EventQueue and Event.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/log.h"
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
      : reactor_(reactor), random_(random), endpoint_(endpoint), options_(std::move(options)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Reactor& reactor() const { return reactor_; }
  Random& random() const { return random_; }
  rpc::Endpoint& endpoint() const { return endpoint_; }
  const ContextOptions& options() const { return options_; }

  // A body buffer that returns to the context when it goes; no allocation once warm.
  class Body {
   public:
    explicit Body(Context& context) : context_(context), bytes_(context.takeBody()) {}
    Body(const Body&) = delete;
    ~Body() { context_.spareBodies_.push_back(std::move(bytes_)); }
    std::vector<std::byte>& bytes() { return bytes_; }

   private:
    Context& context_;
    std::vector<std::byte> bytes_;
  };

 private:
  std::vector<std::byte> takeBody() {
    if (spareBodies_.empty()) return {};
    std::vector<std::byte> body = std::move(spareBodies_.back());
    spareBodies_.pop_back();
    return body;
  }
  Reactor& reactor_;
  Random& random_;
  rpc::Endpoint& endpoint_;
  const ContextOptions options_;
  std::vector<std::vector<std::byte>> spareBodies_;
};

}  // namespace daos::client
