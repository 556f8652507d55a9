// A seal that proves that bytes come from who knows a key: HMAC with SHA-256.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace daos {

inline constexpr size_t kSealSize = 32;
using Seal = std::array<uint8_t, kSealSize>;

Seal sealOf(Bytes key, Bytes data);
// Takes the same time wherever a wrong seal differs, so that none is guessed byte by byte.
bool isSealOf(const Seal& seal, Bytes key, Bytes data);

}  // namespace daos
