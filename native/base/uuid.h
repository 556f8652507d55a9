// A 128-bit identity in text form 8-4-4-4-12, bytes in the order they are printed.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace daos {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // A random (version 4) UUID out of 128 random bits.
  static Uuid fromRandom(uint64_t high, uint64_t low);
  // DER_INVAL unless `text` is 36 characters of the form 8-4-4-4-12 in hexadecimal.
  static Result<Uuid> parse(std::string_view text);
  std::string toString() const;
  bool isNil() const { return *this == Uuid{}; }
  auto operator<=>(const Uuid&) const = default;
};
static_assert(sizeof(Uuid) == 16);

}  // namespace daos

template <>
struct std::hash<daos::Uuid> {
  size_t operator()(const daos::Uuid& uuid) const noexcept {
    return daos::loadAs<uint64_t>(uuid.bytes.data()) ^
           daos::loadAs<uint64_t>(uuid.bytes.data() + 8);
  }
};
