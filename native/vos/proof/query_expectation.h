// What a query must answer, worked out from the model.
#pragma once

#include <optional>
#include <string>

#include "vos/proof/reference_model.h"

namespace daos::vos::proof {

struct QueryAnswer {
  std::string dkey, akey;
  uint64_t bound = 0;  // end of the last extent, or index of the first
  uint64_t recordSize = 0;
};

bool isMaximum(QueryWhat what);
// Nothing where there is none.
std::optional<QueryAnswer> expectedAnswer(const ReferenceModel& model, const Operation& operation);
// Whether the query asks for the first or last of keys that have no order.
bool hasNoOrder(const Operation& operation);

}  // namespace daos::vos::proof
