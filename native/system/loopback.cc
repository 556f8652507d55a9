#include "system/loopback.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <future>
#include <sstream>

#include "rpc/fabric_transport.h"

namespace daos::system {

Status waitFor(const std::function<void(engine::Engine::Done)>& call) {
  std::promise<Status> answered;
  call([&](Status status) { answered.set_value(std::move(status)); });
  return answered.get_future().get();
}

placement::PoolMap mapOf(const engine::Engine& engine, uint32_t version) {
  placement::PoolMap map{.version = version};
  uint32_t index = 0;
  for (auto& addresses : engine.addresses()) {
    map.targets.push_back({.rank = 0, .index = index++, .addresses = std::move(addresses)});
  }
  return map;
}

std::string describe(const placement::PoolMap& map) {
  std::ostringstream text;
  for (const placement::PoolTarget& target : map.targets) {
    for (const auto& [transport, address] : target.addresses)
      text << transport << ' ' << address << ' ';
    text << '\n';
  }
  return text.str();
}

placement::PoolMap parseMap(const std::string& text) {
  placement::PoolMap map{.version = 1};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    placement::PoolTarget target{.index = static_cast<uint32_t>(map.targets.size())};
    std::istringstream words(line);
    placement::TargetAddress address;
    while (words >> address.transport >> address.address) target.addresses.push_back(address);
    map.targets.push_back(std::move(target));
  }
  return map;
}

client::TransportFactory transportsOf(std::vector<std::string> kinds, rpc::LocalNetwork* network) {
  return [kinds = std::move(kinds), network](
             Reactor& reactor,
             Random& random) -> Result<std::vector<std::unique_ptr<rpc::Transport>>> {
    std::vector<std::unique_ptr<rpc::Transport>> transports;
    for (const std::string& kind : kinds) {
      if (kind == "local") {
        DAOS_TRY(auto transport, network->createTransport());
        transports.push_back(std::move(transport));
        continue;
      }
      DAOS_TRY(auto transport,
               rpc::createFabricTransport(reactor.clock(), random, {.provider = kind}));
      transports.push_back(std::move(transport));
    }
    return transports;
  };
}

Result<std::unique_ptr<LoopbackClient>> LoopbackClient::create(std::vector<std::string> kinds,
                                                               rpc::LocalNetwork* network,
                                                               client::ContextOptions options,
                                                               ReactorOptions reactorOptions) {
  std::unique_ptr<LoopbackClient> client(new LoopbackClient());
  DAOS_TRY(client->reactor_, Reactor::create(client->clock_, reactorOptions));
  DAOS_TRY(auto transports,
           transportsOf(std::move(kinds), network)(*client->reactor_, client->random_));
  client->endpoint_ = rpc::Endpoint::create(*client->reactor_, client->random_);
  for (auto& transport : transports) client->endpoint_->addTransport(std::move(transport));
  client->context_ = std::make_unique<client::Context>(*client->reactor_, client->random_,
                                                       *client->endpoint_, std::move(options));
  return client;
}

LoopbackClient::~LoopbackClient() {
  if (!endpoint_) return;
  endpoint_->shutdown();
  while (!endpoint_->isQuiet() || reactor_->spawnedCount() > 0) reactor_->runOnce();
  context_.reset();
  endpoint_.reset();
}

Result<std::shared_ptr<client::Container>> LoopbackClient::openContainer(
    Uuid pool, Uuid container, placement::PoolMap map, client::ContainerOptions options) {
  DAOS_TRY(auto open, client::Pool::open(*context_, pool, std::move(map)));
  return run(client::Container::open(std::move(open), container, std::move(options)));
}

namespace {

constexpr std::string_view kScratchPrefix = "daos-scratch-";

// What processes left behind that were killed: in memory, gigabytes of it add up to none left.
void removeAbandoned(const std::filesystem::path& base) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(base, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kScratchPrefix)) continue;
    const pid_t owner = std::atoi(name.c_str() + kScratchPrefix.size());
    const bool isGone = owner > 0 && kill(owner, 0) != 0 && errno == ESRCH;
    if (isGone) std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

ScratchDirectory::ScratchDirectory(const std::string& parent) {
  const std::filesystem::path base =
      parent.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(parent);
  removeAbandoned(base);
  path_ = base / (std::string(kScratchPrefix) + std::to_string(getpid()) + "-" +
                  SystemRandom().uuid().toString());
  std::filesystem::create_directories(path_);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace daos::system
