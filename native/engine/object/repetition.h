// By what the store knows a modification again that is repeated after a lost answer, also after a
// restart.
#pragma once

#include "base/planted.h"
#include "model/io.h"

namespace daos::engine {

inline OperationId knownAs(const OperationId& operation) {
  return isPlanted(Planted::kApplyRetryTwice) ? OperationId{} : operation;
}

}  // namespace daos::engine
