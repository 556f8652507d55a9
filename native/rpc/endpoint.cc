// The two halves of an endpoint as one: dispatches what transports deliver, and looks after time.
#include "rpc/client_side.h"
#include "rpc/server_side.h"

namespace daos::rpc {
namespace {

// How often silence, lost peers and old answers are looked after.
constexpr uint64_t kTickNs = 50'000'000;

class EndpointCore final : public Endpoint, private Poller {
 public:
  EndpointCore(Reactor& reactor, Random& random, EndpointOptions options)
      : context_(reactor, random, std::move(options)), client_(context_), server_(context_) {
    reactor.addPoller(*this);
  }
  ~EndpointCore() override {
    context_.reactor.removePoller(*this);
    for (auto& entry : context_.transports) context_.reactor.removePoller(*entry->transport);
    client_.close();
    server_.close();
    context_.transports.clear();
  }

  void addTransport(std::unique_ptr<Transport> transport) override;
  std::string addresses() const override;
  void handle(uint16_t opcode, Handler handler) override {
    server_.handle(opcode, std::move(handler));
  }
  void handleFast(uint16_t opcode, FastHandler handler) override {
    server_.handleFast(opcode, std::move(handler));
  }
  void onSessionEnd(std::function<void(Session&)> callback) override {
    server_.onSessionEnd(std::move(callback));
  }
  Peer& peer(std::string_view addresses) override {
    armTick();
    return client_.peer(addresses);
  }
  void forgetPeer(Peer& peer) override { client_.forgetPeer(peer); }
  void start(Call& call) override { client_.start(call); }
  Status rememberMemory(MutableBytes memory) override { return client_.rememberMemory(memory); }
  void forgetMemory(MutableBytes memory) override { client_.forgetMemory(memory); }
  void shutdown() override;
  bool isQuiet() const override {
    return server_.isQuiet() && const_cast<ClientSide&>(client_).isQuiet();
  }
  const EndpointStatistics& statistics() const override { return context_.statistics; }

 private:
  // Hands what a transport delivers to the endpoint.
  struct Listener final : TransportListener {
    Listener(EndpointCore& toEndpoint, TransportEntry& ofEntry)
        : endpoint(toEndpoint), entry(ofEntry) {}
    void onMessage(BufferRef message) override { endpoint.onMessage(entry, message); }
    void onPeerFailed(PeerId peer, ErrorCode code) override {
      if (LinkOwner* owner = entry.ownerOf(peer)) owner->onLinkFailed(code);
    }
    EndpointCore& endpoint;
    TransportEntry& entry;
  };

  size_t poll() override { return 0; }
  size_t flush() override;
  void cancel(Call& call) override { client_.cancel(call); }
  void abandon(Call& call) override { client_.abandon(call); }
  void onMessage(TransportEntry& entry, const BufferRef& message);
  void armTick();

  EndpointContext context_;
  ClientSide client_;
  ServerSide server_;
  bool isTickArmed_ = false;
  std::shared_ptr<bool> isAlive_ = std::make_shared<bool>(true);
};

void EndpointCore::addTransport(std::unique_ptr<Transport> transport) {
  auto entry = std::make_unique<TransportEntry>();
  entry->transport = std::move(transport);
  entry->listener = std::make_unique<Listener>(*this, *entry);
  entry->transport->setListener(*entry->listener);
  context_.reactor.addPoller(*entry->transport);
  context_.transports.push_back(std::move(entry));
}

std::string EndpointCore::addresses() const {
  std::string text;
  for (const auto& entry : context_.transports) {
    if (!text.empty()) text += ' ';
    text += entry->transport->address();
  }
  return text;
}

// Frames for which side: those that a server sends carry the handle that the client chose.
static bool isForClient(const FrameHeader& header) {
  switch (header.kind) {
    case FrameKind::kReply:
    case FrameKind::kWelcome:
    case FrameKind::kRefuse: return true;
    case FrameKind::kFragment: return header.flags & kFrameOfReply;
    default: return header.flags & kFrameToClient;
  }
}

void EndpointCore::onMessage(TransportEntry& entry, const BufferRef& message) {
  ++context_.statistics.messageReceivedCount;
  uint64_t session = 0;
  for (Bytes rest = message.bytes(); !rest.empty();) {
    FrameView frame;
    if (parseFrame(rest, frame) != ErrorCode::kOk) {
      ++context_.statistics.corruptCount;
      DAOS_LOG_WARNING(context_.options.log,
                       "a damaged frame came in at " + entry.transport->address());
      return server_.onCorrupt(entry, session);
    }
    rest = rest.subspan(frame.size);
    if (isForClient(frame.header)) {
      client_.onFrame(frame, message);
    } else {
      session = frame.header.session;
      server_.onFrame(entry, frame, message);
    }
  }
  if (!isTickArmed_) armTick();
}

size_t EndpointCore::flush() {
  size_t count = 0;
  while (Link* link = context_.dirty.front()) {
    link->flush();
    ++count;
  }
  client_.bury();
  return count;
}

void EndpointCore::armTick() {
  if (isTickArmed_) return;
  isTickArmed_ = true;
  context_.reactor.addTimer(context_.reactor.nowNs() + kTickNs,
                            [this, alive = std::weak_ptr<bool>(isAlive_)] {
                              if (alive.expired()) return;
                              isTickArmed_ = false;
                              client_.onTick(context_.reactor.nowNs());
                              server_.onTick(context_.reactor.nowNs());
                              if (client_.hasPeers() || server_.hasSessions()) armTick();
                            });
}

void EndpointCore::shutdown() {
  context_.isShutDown = true;
  client_.shutdown();
  server_.shutdown();
}

}  // namespace

std::unique_ptr<Endpoint> Endpoint::create(Reactor& reactor, Random& random,
                                           EndpointOptions options) {
  return std::make_unique<EndpointCore>(reactor, random, std::move(options));
}

}  // namespace daos::rpc
