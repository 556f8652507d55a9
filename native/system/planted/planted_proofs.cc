// Whether the proofs of durability find the faults that are planted in the log, its checkpoints and
// recovery, and in what keeps bulk data (vos/planted_fault.h): the proof of the proofs.
//
// Method: for each fault a process of its own runs tests until one fails. That they pass without a
// fault is what the ordinary runs of those tests say; --fault none says it of this program.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/planted.h"
#include "vos/planted_fault.h"

namespace daos::system {
namespace {

using Clock = std::chrono::steady_clock;
using vos::PlantedFault;

std::chrono::seconds timeMax{60};

// As --gtest_filter takes them.
constexpr char kArena[] = "*VosCrashEnumeration.*/Two";
constexpr char kSlowLog[] = "*VosCrashEnumeration.*/SlowLog";
constexpr char kSlowMeta[] = "*VosCrashEnumeration.*/SlowMeta";
constexpr char kStore[] = "*VosStoreCrashEnumeration.EveryCrashOfEverySequenceRecovers/One*";
constexpr char kStoreApart[] = "*VosStoreCrashEnumeration.EveryCrashOfEverySequenceRecovers/Three*";
constexpr char kAbsorbed[] = "*VosStoreCrashEnumeration.EveryCrashWithAbsorbedDataRecovers/Three*";
constexpr char kUnproven[] = "VosUnprovenGroup.*";
constexpr char kPower[] = "VosPowerCut.*";
constexpr char kPowerOfWriters[] = "VosLogStoreCrash.*";
constexpr char kKills[] = "Settings/KillTest.WhatWasAcknowledged*/shmLog*";
constexpr char kSectors[] = "*VosFlippedBytes.NoLostSector*";
constexpr char kBytesOfClosed[] = "*VosFlippedBytes.*/Closed";
constexpr char kBytesOfKilled[] = "*VosFlippedBytes.*/Killed";
constexpr char kFailures[] = "*VosLogStoreFailure.AFailedFlush*";

struct HiddenFault {
  const char* name;
  PlantedFault fault;
  const char* proof;
  Planted outside = Planted::kNone;  // of vos
};

constexpr HiddenFault kFaults[] = {
    {"log-answers-unwritten", PlantedFault::kLogAnswersUnwritten, kKills},
    {"log-answers-unflushed", PlantedFault::kLogAnswersUnflushed, kArena},
    {"log-group-unflushed", PlantedFault::kLogGroupUnflushed, kArena},
    {"log-wrap-unflushed", PlantedFault::kLogWrapUnflushed, kPower},
    {"log-data-unflushed", PlantedFault::kLogDataUnflushed, kStore},
    {"log-overwrites-itself", PlantedFault::kLogOverwritesItself, kPower},
    {"log-forgets-range", PlantedFault::kLogForgetsRange, kArena},
    {"log-drop-untold", PlantedFault::kLogDropUntold, kUnproven},
    {"replay-loses-last", PlantedFault::kReplayLosesLast, kArena},
    {"replay-trusts-records", PlantedFault::kReplayTrustsRecords, kArena},
    {"replay-ends-anywhere", PlantedFault::kReplayEndsAnywhere, kBytesOfKilled},
    {"replay-trusts-data", PlantedFault::kReplayTrustsData, kStore},
    {"replay-keeps-dropped", PlantedFault::kReplayKeepsDropped, kUnproven},
    {"replay-knows-no-salt", PlantedFault::kReplayKnowsNoSalt, kArena},
    {"recovery-trusts-caches", PlantedFault::kRecoveryTrustsCaches, kPower},
    {"recovery-marks-clean", PlantedFault::kRecoveryMarksClean, kPower},
    {"trim-before-superblock", PlantedFault::kTrimBeforeSuperblock, kPower},
    {"superblock-before-pages", PlantedFault::kSuperblockBeforePages, kArena},
    {"superblock-unflushed", PlantedFault::kSuperblockUnflushed, kArena},
    {"checkpoint-loses-changes", PlantedFault::kCheckpointLosesChanges, kSlowMeta},
    {"checkpoint-before-log", PlantedFault::kCheckpointBeforeLog, kSlowLog},
    {"checkpoint-starts-late", PlantedFault::kCheckpointStartsLate, kSlowMeta},
    {"checkpoint-over-pages", PlantedFault::kCheckpointOverPages, kArena},
    {"checkpoint-over-table", PlantedFault::kCheckpointOverTable, kArena},
    {"checkpoint-half-dirty", PlantedFault::kCheckpointHalfDirty, kArena},
    {"full-log-data-unflushed", PlantedFault::kFullLogDataUnflushed, kPower},
    {"page-unchecked", PlantedFault::kPageUnchecked, kBytesOfClosed},
    {"table-unchecked", PlantedFault::kTableUnchecked, kSectors},
    {"superblock-unchecked", PlantedFault::kSuperblockUnchecked, kBytesOfClosed},
    {"blocks-reused-early", PlantedFault::kBlocksReusedEarly, kPowerOfWriters},
    {"blocks-unlogged", PlantedFault::kBlocksUnlogged, kStore},
    {"settle-unwritten", PlantedFault::kSettleUnwritten, kAbsorbed},
    {"evacuate-unwritten", PlantedFault::kEvacuateUnwritten, kStoreApart},
    {"failed-flush-retried", PlantedFault::kNone, kFailures, Planted::kRetryFailedFlush},
};
constexpr HiddenFault kSound = {"none", PlantedFault::kNone, "*"};

// The tests that `proof` says, until one fails; what they print goes to `log`.
[[noreturn]] void runTests(const HiddenFault& hidden, const std::string& proof,
                           const std::string& log) {
  if (!std::freopen(log.c_str(), "w", stdout)) _exit(3);
  dup2(fileno(stdout), fileno(stderr));
  vos::plantedFault = hidden.fault;
  planted = hidden.outside;
  testing::GTEST_FLAG(filter) = proof;
  testing::GTEST_FLAG(fail_fast) = true;
  const int result = RUN_ALL_TESTS();
  std::fflush(stdout);
  _exit(result);
}

struct Running {
  const HiddenFault* hidden;
  pid_t process;
  std::string log;
  Clock::time_point start;
};

Running start(const HiddenFault& hidden, const std::string& proof) {
  const std::string log = "/tmp/planted_proofs." + std::to_string(getpid()) + "." + hidden.name;
  Running running{&hidden, -1, log, Clock::now()};
  std::fflush(nullptr);
  running.process = fork();
  if (running.process == 0) runTests(hidden, proof, running.log);
  return running;
}

std::string lineAfter(const std::string& text, const char* before) {
  const size_t at = text.find(before);
  if (at == std::string::npos) return "";
  const size_t from = at + std::strlen(before);
  return text.substr(from, text.find('\n', from) - from);
}

// What failed and why, as its output says.
std::string whatFailed(const std::string& log) {
  std::ifstream file(log);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::string test = lineAfter(text, "[  FAILED  ] ");
  if (test.empty()) {
    const size_t last = text.rfind("[ RUN      ] ");
    if (last != std::string::npos) test = lineAfter(text.substr(last), "[ RUN      ] ");
  }
  std::string why = lineAfter(text, ": Failure\n");
  if (why.empty()) why = lineAfter(text, "assertion failed");
  return test.substr(0, test.find_first_of(" ,")) + ": " + why;
}

// Prints how it ended; true when a test failed, or died of what it met.
bool judge(const Running& running, int state, bool isOverdue) {
  const double seconds = std::chrono::duration<double>(Clock::now() - running.start).count();
  const bool isPassed = WIFEXITED(state) && WEXITSTATUS(state) == 0;
  const bool isFound = !isOverdue && (WIFSIGNALED(state) || WEXITSTATUS(state) == 1);
  const bool isRight = running.hidden == &kSound ? isPassed : isFound;
  std::string what = isFound ? whatFailed(running.log) : "see " + running.log;
  if (isOverdue) what = "not over in time, " + what;
  if (isPassed) what = "all tests pass";
  const char* word = isRight ? "found " : "MISSED";
  if (running.hidden == &kSound) word = isRight ? "sound " : "UNSOUND";
  std::printf("%s %s (%.1f s): %s\n", word, running.hidden->name, seconds, what.c_str());
  std::fflush(stdout);
  if (isRight || isPassed) unlink(running.log.c_str());
  return isRight;
}

// Waits for one of them; true when it found its fault.
bool awaitOne(std::vector<Running>& all) {
  while (true) {
    for (size_t i = 0; i < all.size(); ++i) {
      int state = 0;
      const bool isOverdue = Clock::now() - all[i].start > timeMax;
      if (isOverdue) kill(all[i].process, SIGKILL);
      if (waitpid(all[i].process, &state, isOverdue ? 0 : WNOHANG) != all[i].process) continue;
      const Running ended = all[i];
      all.erase(all.begin() + static_cast<ptrdiff_t>(i));
      return judge(ended, state, isOverdue);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// One fault after the other, as many at a time as there are cores.
bool findAll(const std::vector<const HiddenFault*>& wanted, const std::string& proof) {
  const size_t width = std::max(1u, std::thread::hardware_concurrency());
  std::vector<Running> running;
  size_t foundCount = 0;
  for (const HiddenFault* hidden : wanted) {
    if (running.size() == width) foundCount += awaitOne(running);
    running.push_back(start(*hidden, proof.empty() ? hidden->proof : proof));
  }
  while (!running.empty()) foundCount += awaitOne(running);
  std::printf("%zu passed, %zu failed\n", foundCount, wanted.size() - foundCount);
  return foundCount == wanted.size();
}

}  // namespace
}  // namespace daos::system

// planted_proofs [--fault NAME] [--proof FILTER] [--seconds EACH]
int main(int count, char** words) {
  using namespace daos::system;
  testing::InitGoogleTest(&count, words);
  std::vector<const HiddenFault*> wanted;
  for (const HiddenFault& each : kFaults) wanted.push_back(&each);
  std::string proof;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string value = words[i + 1];
    if (std::strcmp(words[i], "--proof") == 0) proof = value;
    if (std::strcmp(words[i], "--seconds") == 0) timeMax = std::chrono::seconds(std::stoi(value));
    if (std::strcmp(words[i], "--fault") != 0) continue;
    std::erase_if(wanted, [&](const HiddenFault* each) { return value != each->name; });
    if (value == kSound.name) wanted = {&kSound};
  }
  return findAll(wanted, proof) ? 0 : 1;
}
