// A whole system on one machine, for tests and benchmarks: an engine, and clients that reach it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "client/client_thread.h"
#include "client/object.h"
#include "engine/engine.h"
#include "rpc/local_transport.h"

namespace daos::system {

// Blocks until an engine's control call has answered.
Status waitFor(const std::function<void(engine::Engine::Done)>& call);

// Positions and addresses of an engine's targets, as a pool map of one rank.
placement::PoolMap mapOf(const engine::Engine& engine, uint32_t version = 1);

// The map as text, a target a line, to be handed to another process.
std::string describe(const placement::PoolMap& map);
placement::PoolMap parseMap(const std::string& text);

// Makes the client's side of one transport kind: "tcp", "shm", or "local" on `network`.
client::TransportFactory transportsOf(std::vector<std::string> kinds,
                                      rpc::LocalNetwork* network = nullptr);

// A client in the caller's thread: run() turns the reactor until the task has ended.
class LoopbackClient {
 public:
  static Result<std::unique_ptr<LoopbackClient>> create(std::vector<std::string> kinds,
                                                        rpc::LocalNetwork* network = nullptr,
                                                        client::ContextOptions options = {},
                                                        ReactorOptions reactorOptions = {});
  ~LoopbackClient();

  Reactor& reactor() { return *reactor_; }
  client::Context& context() { return *context_; }
  // DER_NONEXIST, DER_UNREACH.
  Result<std::shared_ptr<client::Container>> openContainer(Uuid pool, Uuid container,
                                                           placement::PoolMap map,
                                                           client::ContainerOptions options = {});

  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }

 private:
  LoopbackClient() = default;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<client::Context> context_;
};

// A folder that is removed with its content; if its process is killed, by the next one that makes
// such a folder beside it.
class ScratchDirectory {
 public:
  // Under `parent`, or the system's place for temporary files.
  explicit ScratchDirectory(const std::string& parent = {});
  ~ScratchDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace daos::system
