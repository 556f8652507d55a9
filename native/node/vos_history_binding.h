// Transactions, snapshots, aggregation and discard of a store for JavaScript: packages/vos is the
// friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions vosHistoryFunctions();

}  // namespace daos::node
