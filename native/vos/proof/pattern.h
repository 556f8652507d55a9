// The content of test values: any byte of any value can be told from the value's number alone.
#pragma once

#include "base/bytes.h"

namespace daos::vos::proof {

// Value 0 is all zeros, so that zeros and holes are told apart.
void fillPattern(uint64_t value, uint64_t offset, MutableBytes to);
// Where `bytes` first differ from the value's from `offset` on; bytes.size() when they do not.
size_t patternMismatch(uint64_t value, uint64_t offset, Bytes bytes);

}  // namespace daos::vos::proof
