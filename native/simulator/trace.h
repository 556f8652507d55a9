// What happened, event by event: a running hash always, the events themselves on request.
//
// Runs go without recording, for speed. A run that fails is repeated with recording, which the hash
// proves to be the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace daos::simulator {

enum class TraceKind : uint32_t {
  kTurn = 1,  // a process ran a turn; a: whether anything happened
  kSend,      // a: peer, b: size
  kDeliver,   // a: sender, b: digest of the bytes
  kLose,      // a: peer
  kDuplicate,
  kReorder,
  kPeerFailed,    // a: peer
  kRma,           // a: size, b: digest
  kDiskSubmit,    // a: operation and size, b: offset
  kDiskComplete,  // a: operation, b: status
  kDiskFault,     // a: which, b: offset
  kPowerCut,      // a: sectors lost, b: sectors kept
  kCrash,
  kStart,
  kPause,      // a: nanoseconds
  kPartition,  // a: other side, b: nanoseconds
  kClog,
  kClockJump,   // a: nanoseconds
  kInvoke,      // subject: operation, a: group, b: client
  kReturn,      // subject: operation, a: outcome, b: digest of the answer
  kBackground,  // aggregation and the like; a: what, b: result
  kPhase,       // a: which
  kFault,       // subject: index in the schedule, a: kind, b: nanoseconds
};
const char* traceKindName(TraceKind kind);

struct TraceEvent {
  uint64_t timeNs = 0;
  uint32_t process = 0;
  TraceKind kind = TraceKind::kTurn;
  uint64_t subject = 0;
  uint64_t a = 0;
  uint64_t b = 0;
};

class Trace {
 public:
  explicit Trace(bool isRecording = false) : isRecording_(isRecording) {}

  void add(const TraceEvent& event);
  // Over all events so far.
  uint64_t hash() const { return hash_; }
  uint64_t eventCount() const { return eventCount_; }
  const std::vector<TraceEvent>& events() const { return events_; }

 private:
  const bool isRecording_;
  uint64_t hash_ = 0xcbf29ce484222325ull;
  uint64_t eventCount_ = 0;
  std::vector<TraceEvent> events_;
};

// The same on every machine and build.
uint64_t digestOf(Bytes bytes);
// "   12.345678 ms  p3 send 17 a=2 b=100".
std::string describe(const TraceEvent& event);

}  // namespace daos::simulator
