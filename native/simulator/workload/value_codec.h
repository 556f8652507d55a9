// Values that say who wrote them and where, so that a read proves by itself that it got what was
// written.
//
// Bytes 0-7: the operation's id. Bytes 8-15: a mixture of id, place and size. Then a sequence from
// the id.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "simulator/check/history.h"

namespace daos::simulator {

inline constexpr size_t kValueSizeMin = 16;

// `place` names the cell (object, keys, record).
void encodeValue(MutableBytes to, CellValue value, uint64_t place);
// Nothing when any byte is not as encodeValue left it.
std::optional<CellValue> decodeValue(Bytes from, uint64_t place);

}  // namespace daos::simulator
