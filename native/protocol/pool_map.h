// A pool map as bytes: what an engine answers to a client whose map is older than its own, and part
// of the handles that go to other processes.
#pragma once

#include <vector>

#include "placement/layout.h"
#include "protocol/wire.h"

namespace daos::protocol {

void putTarget(WireWriter& writer, const placement::PoolTarget& target);
// False when the reader failed or a number is out of all bounds.
bool getTarget(WireReader& reader, placement::PoolTarget* target);

std::vector<std::byte> encodePoolMap(const placement::PoolMap& map);
// DER_PROTO.
Result<placement::PoolMap> decodePoolMap(Bytes bytes);

}  // namespace daos::protocol
