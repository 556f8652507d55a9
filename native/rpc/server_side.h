// The answering half of an endpoint: sessions of clients, requests, and the memory of answers
// given.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rpc/context.h"
#include "rpc/slot_table.h"

namespace daos::rpc {

class ServerSide;

// An answer to a modification, as it went out.
struct RememberedReply {
  FrameHeader header;
  std::vector<std::byte> body;
  std::vector<std::byte> data;
};

// One client. While its link is lost it is kept for replyCacheNs, for the client may come back and
// repeat requests.
class ClientSession final : public Session, public LinkOwner {
 public:
  ClientSession(ServerSide& server, uint64_t clientId, std::string address);
  ~ClientSession();

  uint64_t id() const override { return id_; }
  uint64_t clientId() const override { return clientId_; }
  std::string_view address() const override { return address_; }

 private:
  friend class ServerSide;
  friend class Request;
  friend class Transfer;
  // What the client's slot of the same number was last used for.
  struct Slot {
    enum class State : uint8_t { kUnused, kRunning, kAnswered };
    uint32_t sequence = 0;
    State state = State::kUnused;
    Request* running = nullptr;
    std::unique_ptr<RememberedReply> remembered;
  };
  void onLinkFailed(ErrorCode code) override;

  ServerSide& server_;
  const uint64_t clientId_;
  uint64_t id_ = 0;
  std::string address_;
  uint64_t clientHandle_ = 0;  // what the client calls this server
  TransportEntry* entry_ = nullptr;
  Link link_;
  Assembly assembly_;
  bool canReachMemory_ = false;
  bool isEnding_ = false;      // goes as soon as no request is left
  uint64_t lastHeardNs_ = 0;
  uint64_t lastAskedNs_ = 0;
  uint64_t lostAtNs_ = 0;
  uint32_t activeCount_ = 0;
  std::vector<Slot> slots_;
};

class ServerSide {
 public:
  explicit ServerSide(EndpointContext& context);
  void handle(uint16_t opcode, Endpoint::Handler handler);
  void handleFast(uint16_t opcode, Endpoint::FastHandler handler);
  void onSessionEnd(std::function<void(Session&)> callback) { sessionEnd_ = std::move(callback); }

  void onFrame(TransportEntry& entry, const FrameView& frame, const BufferRef& message);
  // A message of this session was damaged: the session is lost.
  void onCorrupt(TransportEntry& entry, uint64_t session);
  void onTick(uint64_t nowNs);
  void shutdown();
  // Lets go of all transports; nothing else may follow.
  void close();
  bool isQuiet() const { return activeCount_ == 0; }
  bool hasSessions() const { return sessions_.count() > 0; }

 private:
  friend class ClientSession;
  friend class Request;
  friend class Transfer;
  friend FrameCache& frameCacheOf(ServerSide& server) { return server.context_.reactor.frames(); }
  struct HandlerEntry {
    Endpoint::Handler handler;
    Endpoint::FastHandler fast;
  };

  HandlerEntry& entryFor(uint16_t opcode);
  uint32_t idSalt() const { return static_cast<uint32_t>(incarnation_); }
  ClientSession* find(TransportEntry& entry, uint64_t id);
  void onHello(TransportEntry& entry, const FrameView& frame);
  Status openSession(ClientSession& session, TransportEntry& entry, std::string_view address);
  void refuse(TransportEntry& entry, const FrameView& hello, ErrorCode code);
  void welcome(ClientSession& session, uint64_t attempt, bool isResumed);
  void loseLink(ClientSession& session, bool sayGoodbye);
  void endSession(ClientSession& session);
  void destroyIfIdle(ClientSession& session);

  void onRequest(ClientSession& session, const FrameView& frame, const BufferRef& message);
  void onFragment(ClientSession& session, const FrameView& frame);
  void onCancel(ClientSession& session, uint64_t requestId);
  bool admit(ClientSession& session, ClientSession::Slot& slot, const FrameView& frame);
  void repeatAnswer(ClientSession& session, const RememberedReply& reply);
  void answerBusy(ClientSession& session, const FrameView& frame, uint64_t retryAfterNs);
  bool fill(Request& request, const FrameView& frame);
  static bool takeTrace(Request& request);
  void dispatch(Request& request, HandlerEntry& handlers);
  Task<void> run(Request& request, Endpoint::Handler& handler);
  void finish(Request& request);
  void abandonRequests(ClientSession& session);

  // Answers, out of Request.
  void answer(Request& request, FrameHeader& header, const FrameParts& parts);
  void remember(Request& request, const FrameHeader& header, const FrameParts& parts);
  FrameHeader replyHeader(const Request& request) const;

  Request& allocateRequest();
  RmaOperation& allocateOperation();
  void recycle(RmaOperation& operation);

  EndpointContext& context_;
  const uint64_t incarnation_;
  std::vector<HandlerEntry> handlers_;  // by opcode
  std::function<void(Session&)> sessionEnd_;
  SlotTable<ClientSession> sessions_;
  std::map<uint64_t, ClientSession*> byClient_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<Request*> idleRequests_;
  std::vector<std::unique_ptr<RmaOperation>> operations_;
  RmaOperation* idleOperations_ = nullptr;
  std::vector<std::byte> room_;  // of an answer that does not fit in a message
  uint32_t activeCount_ = 0;
};

}  // namespace daos::rpc
