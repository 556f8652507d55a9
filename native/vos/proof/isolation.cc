#include "vos/proof/isolation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/assert.h"

namespace daos::vos::proof {

namespace {

[[noreturn]] void runChild(const std::function<std::optional<std::string>()>& body, int pipeEnd,
                           bool isQuiet) {
  if (isQuiet) {
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  }
  const std::optional<std::string> words = body();
  for (size_t done = 0; words && done < words->size();) {
    const ssize_t written = write(pipeEnd, words->data() + done, words->size() - done);
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  _exit(words ? 1 : 0);
}

int64_t nowMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// All that comes through the pipe until it is closed; false when that takes too long.
bool readAll(int pipeEnd, uint32_t timeoutSeconds, std::string* words) {
  const int64_t deadline = nowMs() + int64_t{timeoutSeconds} * 1000;
  while (true) {
    pollfd waiting = {pipeEnd, POLLIN, 0};
    const int64_t left = deadline - nowMs();
    if (left <= 0) return false;
    if (poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
    char buffer[4096];
    const ssize_t got = read(pipeEnd, buffer, sizeof buffer);
    if (got <= 0) return true;
    words->append(buffer, static_cast<size_t>(got));
  }
}

std::optional<std::string> describeEnd(int state, const std::string& words) {
  if (WIFSIGNALED(state)) return "the process ended by signal " + std::to_string(WTERMSIG(state));
  if (WEXITSTATUS(state) == 0) return {};
  if (!words.empty()) return words;
  return "the process ended with exit code " + std::to_string(WEXITSTATUS(state));
}

}  // namespace

std::optional<std::string> runIsolated(const std::function<std::optional<std::string>()>& body,
                                       const IsolationOptions& options) {
  int ends[2];
  DAOS_ASSERT(pipe(ends) == 0);
  fflush(stdout);
  const pid_t child = fork();
  DAOS_ASSERT(child >= 0);
  if (child == 0) {
    close(ends[0]);
    runChild(body, ends[1], options.isQuiet);
  }
  close(ends[1]);
  std::string words;
  const bool isInTime = readAll(ends[0], options.timeoutSeconds, &words);
  close(ends[0]);
  if (!isInTime) kill(child, SIGKILL);
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
  if (!isInTime) return "it did not end within " + std::to_string(options.timeoutSeconds) + " s";
  return describeEnd(state, words);
}

}  // namespace daos::vos::proof
