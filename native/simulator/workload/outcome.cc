#include "simulator/workload/outcome.h"

namespace daos::simulator {

bool isRefusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNospace:
    case ErrorCode::kTxRestart:
    case ErrorCode::kTxBusy:
    case ErrorCode::kBusy:
    case ErrorCode::kAgain:
    case ErrorCode::kNoHdl:
    case ErrorCode::kStale:
    case ErrorCode::kBadTarget:
    case ErrorCode::kEpOld:
    case ErrorCode::kNomem:
      return true;
    default:
      return false;
  }
}

bool isUnexpected(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInval:
    case ErrorCode::kIoInval:
    case ErrorCode::kMisc:
    case ErrorCode::kNoPerm:
    case ErrorCode::kNosys:
    case ErrorCode::kRecSize:
    case ErrorCode::kRec2big:
    case ErrorCode::kKey2big:
    case ErrorCode::kTrunc:
    case ErrorCode::kMismatch:
    case ErrorCode::kAlready:
    case ErrorCode::kUninit:
      return true;
    default:
      return false;
  }
}

}  // namespace daos::simulator
