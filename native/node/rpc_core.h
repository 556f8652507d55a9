// An RPC endpoint for services and callers in JavaScript.
//
// A request of an opcode that JavaScript serves waits here: its handler is suspended until
// JavaScript, which got a number for it, answers. Requests go to JavaScript in batches: all that
// arrived since the last one, through one pending `accept`.
//
// Thread:    the core's.
// Invariant: a request that waits is answered exactly once: by JavaScript or by the end of the
//            core.
// Invariant: a request isn't answered while a transfer of its payload is under way.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "node/core.h"
#include "node/transports.h"
#include "rpc/rpc.h"

namespace daos::node {

class RpcCore : public Core {
 public:
  using RequestId = uint64_t;
  using Core::Core;

  // Once.
  Status open(const TransportChoice& transports, const rpc::EndpointOptions& options);
  rpc::Endpoint& endpoint() { return *endpoint_; }
  bool isEnding() const { return !isOpenOnThread(); }

  // The number of a peer, for as long as the core lives.
  uint32_t connect(const std::string& addresses);
  // nullptr for a made-up number.
  rpc::Peer* peer(uint32_t number) const;

  // Requests of `opcode` go to JavaScript from now on. DER_EXIST: they do already.
  Status serve(uint16_t opcode);
  // Ends with the next batch, at once when there is one. One at a time: else DER_BUSY.
  void accept(Request& accepting);
  // Ends a pending accept without a batch.
  void stopAccepting();

  // A request that waits for its answer.
  struct Waiting {
    rpc::Request* request = nullptr;
    std::coroutine_handle<> handler;
    uint32_t transferCount = 0;
    bool isEnding = false;  // to be answered by its last transfer
  };
  // DER_NO_HDL: it has been answered.
  Result<Waiting*> find(RequestId id);
  // The request was answered: its handler ends.
  void finish(RequestId id);
  // Between the two, the request is not answered by anybody.
  void beginTransfer(Waiting& waiting) { ++waiting.transferCount; }
  void endTransfer(RequestId id);

  // Calls under way, so that they can be cancelled by the slot of their operation.
  void addCall(uint32_t slot, rpc::Call& call) { calls_.emplace(slot, &call); }
  void removeCall(uint32_t slot) { calls_.erase(slot); }
  // Any thread.
  void cancelCall(uint32_t slot);

 protected:
  void onEnding() override;
  Status close() override;

 private:
  struct Parked;
  Task<void> park(rpc::Request& request);
  Task<void> deliverLater();
  void deliver();
  void failWaiting(RequestId id, Waiting& waiting);

  SystemRandom random_;
  std::shared_ptr<NetworkResource> network_;  // outlives the endpoint
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::vector<rpc::Peer*> peers_;
  std::vector<bool> isServed_;
  std::unordered_map<RequestId, Waiting> waiting_;
  RequestId requestIdLast_ = 0;
  std::deque<RequestId> arrived_;  // not yet with JavaScript
  Request* accepting_ = nullptr;
  bool isDeliveryDue_ = false;
  std::unordered_map<uint32_t, rpc::Call*> calls_;
};

}  // namespace daos::node
