#include "node/operation.h"

#include "node/environment.h"

namespace daos::node {

void Operation::finish(Status outcome) {
  status = std::move(outcome);
  environment.complete(*this);
}

void Operation::finish(Result<uint64_t> outcome) {
  if (outcome.ok()) {
    number = *outcome;
  } else {
    status = std::move(outcome).error();
  }
  environment.complete(*this);
}

}  // namespace daos::node
