// Calls between endpoints: the header for callers, on both sides.
//
// Server:  endpoint.handle(kOpEcho, [](Request& request) -> Task<void> {
//            request.reply(request.body());
//            co_return;
//          });
// Client:  Peer& peer = endpoint.peer("shm://a1b2-3 tcp://127.0.0.1:31416");
//          DAOS_CO_TRY(Reply reply, co_await endpoint.call(peer, {.opcode = kOpEcho, .body =
//          body}));
//
// An endpoint is both: it answers on all its transports, and calls peers through the best that
// reaches them.
//
// Thread:    one reactor; endpoints of different threads talk through transports only.
// Life:      create with its reactor, addTransport…, handle…, calls and requests; shutdown();
//            destroy when isQuiet() (no call under way, no handler running).
// Invariant: what is queued for one peer within a turn of the reactor leaves as one message (or
//            few, when full).
// Invariant: a call ends, by an answer or an error, not later than a moment after its deadline.
// Invariant: bytes from a peer are never trusted: a malformed frame ends the session it came in,
//            never the endpoint.
// Format:    docs/format/frame.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "rpc/call.h"
#include "rpc/request.h"
#include "rpc/transport.h"
#include "runtime/random.h"
#include "runtime/reactor.h"
#include "runtime/task.h"

namespace daos::rpc {

struct EndpointOptions {
  uint64_t timeoutNs = 10'000'000'000;     // deadline of a call that names none
  uint32_t creditCount = 256;              // requests one client may have at this server at a time
  // Requests at this server, over all clients; more get DER_BUSY.
  uint32_t requestCountMax = 16384;
  uint32_t queuedCallCountMax = 65536;     // calls that wait for a credit or a connection, per peer
  uint32_t sessionCountMax = 8192;         // clients of this server
  // Silence, with calls under way, after which a server is asked for a sign of life.
  uint64_t keepAliveNs = 500'000'000;
  uint64_t sessionIdleMaxNs = 10'000'000'000;  // silence after which a session is dropped
  // How long answers to modifications outlive a lost connection.
  uint64_t replyCacheNs = 60'000'000'000;
  uint64_t resendNs = 2'000'000'000;       // a call without an answer for so long is sent again
  // First pause before a failed peer is tried again; doubles up to 64 ×.
  uint64_t reconnectNs = 10'000'000;
  // A peer out of reach for so long: its calls end with DER_UNREACH.
  uint64_t unreachableNs = 3'000'000'000;
  // What this server takes; fewer, to be as one of an earlier version: a test's to say.
  uint32_t features = kFrameFeatureMask;
  Log log;
};

struct EndpointStatistics {
  uint64_t callCount = 0;
  uint64_t requestCount = 0;
  uint64_t messageSentCount = 0;
  uint64_t messageReceivedCount = 0;
  uint64_t corruptCount = 0;      // messages or frames refused
  uint64_t busyCount = 0;         // requests answered DER_BUSY by a limit
  uint64_t repeatedCount = 0;     // modifications answered from the reply cache
  uint64_t retriedCount = 0;      // calls sent again
  uint64_t timedOutCount = 0;
  uint64_t sessionCount = 0;      // open now
};

// A server that this endpoint calls. Owned by the endpoint; its address does not change.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string_view addresses() const = 0;
  // Data up to this size travels inside of messages, more by RMA.
  virtual size_t inlineSizeMax() const = 0;
  virtual bool isConnected() const = 0;
  // Calls under way or waiting.
  virtual size_t callCount() const = 0;
};

// A client that this endpoint serves, from its greeting until it leaves or is found gone.
class Session {
 public:
  virtual ~Session() = default;
  // Unique among the sessions of this endpoint, for its life.
  virtual uint64_t id() const = 0;
  // What the client calls itself: random, the same over its reconnects.
  virtual uint64_t clientId() const = 0;
  virtual std::string_view address() const = 0;
  // What the service keeps per session (checked capabilities …); dies with the session.
  std::shared_ptr<void> context;
};

class Endpoint {
 public:
  // Runs as a coroutine until it ends; the request lives as long.
  using Handler = std::function<Task<void>(Request&)>;
  // Tried first: answers at once and returns true, without a coroutine; or returns false, having
  //              answered nothing.
  using FastHandler = std::function<bool(Request&)>;

  static std::unique_ptr<Endpoint> create(Reactor& reactor, Random& random,
                                          EndpointOptions options = {});
  virtual ~Endpoint() = default;

  // In order of preference: a peer with several addresses is reached through the first transport
  // that can.
  virtual void addTransport(std::unique_ptr<Transport> transport) = 0;
  // The addresses of all transports, separated by spaces: what a client's peer() takes.
  virtual std::string addresses() const = 0;

  virtual void handle(uint16_t opcode, Handler handler) = 0;
  virtual void handleFast(uint16_t opcode, FastHandler handler) = 0;
  // Called when a session ends, before it is destroyed.
  virtual void onSessionEnd(std::function<void(Session&)> callback) = 0;

  // The peer at these addresses; the same object for the same text. Connects at the first call.
  virtual Peer& peer(std::string_view addresses) = 0;
  // Ends its calls with DER_CANCELED and forgets it.
  virtual void forgetPeer(Peer& peer) = 0;

  // co_await endpoint.call(peer, {...}) → Result<Reply>.
  Call call(Peer& peer, const CallArguments& arguments) { return Call(*this, peer, arguments); }
  // Starts a call that ends by its `done`.
  virtual void start(Call& call) = 0;

  // Keeps memory registered for calls whose data or sink lie in it (else they are registered call
  // by call), until forgetMemory. Worth it for buffers used again and again.
  virtual Status rememberMemory(MutableBytes memory) = 0;
  virtual void forgetMemory(MutableBytes memory) = 0;

  // Says good-bye to all peers, ends all calls with DER_SHUTDOWN, refuses new requests.
  virtual void shutdown() = 0;
  virtual bool isQuiet() const = 0;
  virtual const EndpointStatistics& statistics() const = 0;

 private:
  friend class Call;
  virtual void cancel(Call& call) = 0;
  virtual void abandon(Call& call) = 0;
};

}  // namespace daos::rpc
