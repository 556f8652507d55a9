// What a target did for a request that its client traces, stage by stage.
//
// Life: 1. the request's handler makes a RequestTrace and enters stage after stage; 2. its end adds
//       a RequestSpan to RequestSpans; 3. whoever waits there takes it away. A request that nobody
//       traces pays a look at one flag for each stage.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/trace_context.h"
#include "engine/metrics.h"
#include "rpc/request.h"

namespace daos::engine {

class Target;

enum class Stage : uint8_t {
  kAdmit,    // decoded, its container found; waits for quota, room in the log, a settled epoch
  kReserve,  // room for the data
  kPull,     // data comes from the client's memory
  kMedia,    // data is written to media, or read
  kVos,      // the store: one transaction, or one look
  kDurable,  // waits until what it made or saw is durable
  kAnswer,   // the answer is made; large data goes into the client's memory
};
inline constexpr std::array<std::string_view, 7> kStageNames = {
    "admit", "reserve", "pull", "media", "vos", "durable", "answer"};

struct StageSpan {
  Stage stage = Stage::kAdmit;
  uint64_t beganNs = 0;  // after the request's begin; it ends where the next one begins
};

struct RequestSpan {
  TraceContext parent;
  uint32_t target = 0;
  Operation operation = Operation::kUpdate;
  ErrorCode code = ErrorCode::kOk;
  uint64_t beganWallNs = 0;  // since 1970
  uint64_t tookNs = 0;
  size_t stageCount = 0;
  std::array<StageSpan, 12> stages{};
};

// Spans of all targets of an engine, until somebody takes them.
//
// Thread: any. Holds kCountMax; what comes beyond is counted and forgotten.
class RequestSpans {
 public:
  static constexpr size_t kCountMax = 4096;
  struct Taken {
    std::vector<RequestSpan> spans;
    uint64_t droppedCount = 0;
  };
  using Done = std::function<void(Taken)>;

  void add(const RequestSpan& span);
  // Calls `done` once: as soon as there are some; with none when another one waits or at the end.
  void await(Done done);
  void close();

 private:
  Taken take();
  std::mutex mutex_;
  Taken held_;
  Done waiting_;
  bool isClosed_ = false;
};

// Of one request, for the life of its handler.
class RequestTrace {
 public:
  RequestTrace(const Target& target, const rpc::Request& request, Operation operation);
  RequestTrace(const RequestTrace&) = delete;
  RequestTrace& operator=(const RequestTrace&) = delete;

  void enter(Stage stage) {
    if (span_) note(stage);
  }
  // The request is answered.
  void end(ErrorCode code) {
    if (span_) finish(code);
  }

 private:
  void note(Stage stage);
  void finish(ErrorCode code);
  const Target& target_;
  uint64_t beganNs_ = 0;
  std::optional<RequestSpan> span_;  // none: is not traced
};

}  // namespace daos::engine
