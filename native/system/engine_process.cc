#include "system/engine_process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace daos::system {

namespace {

// Marks the end of the map on the pipe.
constexpr char kEnd = '.';

Status prepare(engine::Engine& engine, const EngineProcessOptions& options) {
  if (!options.isNew) {
    return waitFor([&](auto done) { engine.openPool(options.pool, done); });
  }
  DAOS_CHECK(waitFor([&](auto done) { engine.createPool(options.pool, options.sizes, done); }));
  return waitFor([&](auto done) { engine.createContainer(options.pool, options.container, done); });
}

[[noreturn]] void serve(const EngineProcessOptions& options, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto engine = engine::Engine::start(options.engine);
  Status status = engine.ok() ? prepare(**engine, options) : Status(std::move(engine).error());
  if (!status.ok()) {
    std::fprintf(stderr, "engine: %s\n", status.error().describe().c_str());
    _exit(1);
  }
  const std::string text = describe(mapOf(**engine)) + kEnd;
  if (write(out, text.data(), text.size()) < 0) _exit(1);
  close(out);
  for (;;) pause();
}

std::string readToEnd(int in) {
  std::string text;
  char buffer[4096];
  for (ssize_t size; (size = read(in, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(size));
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<EngineProcess>> EngineProcess::start(const EngineProcessOptions& options) {
  int ends[2];
  if (pipe(ends) != 0) return Error(ErrorCode::kMisc, "no pipe");
  const pid_t pid = fork();
  if (pid < 0) return Error(ErrorCode::kNomem, "no process");
  if (pid == 0) {
    close(ends[0]);
    serve(options, ends[1]);
  }
  close(ends[1]);
  std::string text = readToEnd(ends[0]);
  close(ends[0]);
  if (text.empty() || text.back() != kEnd) {
    waitpid(pid, nullptr, 0);
    return Error(ErrorCode::kUnreach, "the engine ended before it served");
  }
  text.pop_back();
  return std::unique_ptr<EngineProcess>(new EngineProcess(pid, parseMap(text)));
}

EngineProcess::~EngineProcess() { killNow(); }

void EngineProcess::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

void EngineProcess::killNow() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace daos::system
