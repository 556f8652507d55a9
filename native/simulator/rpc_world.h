// Endpoints of rpc under faults: what was answered has run once, what was refused has not, and when
// the faults end every call does.
//
// Method: servers append each request's id to a log that survives them; clients send requests with
// payloads that travel in messages or by transfer; the log is compared with the answers.
#pragma once

#include "simulator/case.h"

namespace daos::simulator {

CaseResult runRpcCase(const CaseArguments& arguments);

}  // namespace daos::simulator
