// Runs the bare libfabric loop of raw_fabric.h as a reference: two processes, pinned to a core
// each, the server forked anew for each case.
//
// For benchmarks only. Whatever goes wrong ends the program with a message.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "bench/latency_histogram.h"
#include "bench/measure.h"
#include "rpc/raw_fabric.h"

namespace daos::rpc {

// The first and the last core that we may run on: a client's and a server's.
struct Cores {
  int first = -1, last = -1;
};
inline Cores allowedCores() {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  Cores cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    if (cores.first < 0) cores.first = core;
    cores.last = core;
  }
  return cores;
}
inline void pinTo(int core) {
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  CPU_SET(core, &chosen);
  sched_setaffinity(0, sizeof chosen, &chosen);
}

// A forked server that first tells a string, and hears one.
class ServerProcess {
 public:
  using Tell = std::function<void(const std::string&)>;
  using Hear = std::function<std::string()>;
  explicit ServerProcess(const std::function<void(Tell, Hear)>& serve) {
    if (pipe(toClient_) != 0 || pipe(toServer_) != 0) std::_Exit(3);
    process_ = fork();
    if (process_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pinTo(allowedCores().last);
    serve([this](const std::string& text) { put(toClient_[1], text); },
          [this] { return get(toServer_[0]); });
    std::_Exit(0);
  }
  ~ServerProcess() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    removeSharedMemory();
    for (const int fd : {toClient_[0], toClient_[1], toServer_[0], toServer_[1]}) close(fd);
  }
  std::string hear() { return get(toClient_[0]); }
  void tell(const std::string& text) { put(toServer_[1], text); }

 private:
  // libfabric's shm provider names its regions PROCESS:USER:NUMBER; a killed process leaves them.
  void removeSharedMemory() const {
    const std::string prefix = std::to_string(process_) + ":";
    std::error_code ignored;  // what can't be listed can't be removed
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
      if (entry.path().filename().string().starts_with(prefix)) unlink(entry.path().c_str());
    }
  }
  static void put(int fd, const std::string& text) {
    if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::_Exit(3);
  }
  static std::string get(int fd) {
    char text[1024];
    const ssize_t size = read(fd, text, sizeof text);
    if (size <= 0) std::_Exit(3);
    return std::string(text, static_cast<size_t>(size));
  }
  int toClient_[2], toServer_[2];
  pid_t process_ = 0;
};

// The client's core, while it lives: affinity is inherited, so it is given back before the next
// fork.
struct Pinned {
  Pinned() { sched_getaffinity(0, sizeof before, &before), pinTo(allowedCores().first); }
  ~Pinned() { sched_setaffinity(0, sizeof before, &before); }
  cpu_set_t before;
};

// What a client measured.
struct Outcome {
  bench::Measured measured;
  bench::LatencyHistogram latencies;
};

// Requests of one size, answers of another, `depth` of them under way.
inline Outcome runBareEcho(const std::string& provider, size_t requestSize, size_t answerSize,
                           size_t depth, double seconds) {
  ServerProcess server([&](const auto& tell, const auto& hear) {
    BareFabric fabric(provider);
    tell(fabric.name());
    fabric.setPeer(hear());
    fabric.echo(requestSize, answerSize, depth);
  });
  const Pinned pinned;
  BareFabric fabric(provider);
  fabric.setPeer(server.hear());
  server.tell(fabric.name());
  Outcome outcome;
  outcome.measured = fabric.ask(requestSize, answerSize, depth, seconds, outcome.latencies);
  return outcome;
}

inline bench::Measured runBareTransfer(const std::string& provider, size_t size, size_t pieceCount,
                                       size_t depth, bool isWrite, double seconds) {
  ServerProcess server([&](const auto& tell, const auto& hear) {
    BareFabric fabric(provider);
    const auto exposed = fabric.expose(size);
    tell(std::string(reinterpret_cast<const char*>(&exposed), sizeof exposed) + fabric.name());
    fabric.setPeer(hear());
    fabric.serveMemory();
  });
  const Pinned pinned;
  BareFabric fabric(provider);
  const std::string told = server.hear();
  BareFabric::Exposed exposed;
  std::memcpy(&exposed, told.data(), sizeof exposed);
  fabric.setPeer(told.substr(sizeof exposed));
  server.tell(fabric.name());
  return fabric.transfer(exposed, size, pieceCount, depth, isWrite, seconds);
}

}  // namespace daos::rpc
