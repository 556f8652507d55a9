#include "simulator/workload/value_codec.h"

#include <cstring>

namespace daos::simulator {

static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

static uint64_t sealOf(CellValue value, uint64_t place, size_t size) {
  return mix(value ^ mix(place ^ mix(size)));
}

void encodeValue(MutableBytes to, CellValue value, uint64_t place) {
  const uint64_t seal = sealOf(value, place, to.size());
  storeAs(to.data(), value);
  storeAs(to.data() + 8, seal);
  for (size_t at = kValueSizeMin; at < to.size(); at += 8) {
    const uint64_t word = seal + at * 0x9e3779b97f4a7c15ull;
    std::memcpy(to.data() + at, &word, std::min<size_t>(8, to.size() - at));
  }
}

std::optional<CellValue> decodeValue(Bytes from, uint64_t place) {
  if (from.size() < kValueSizeMin) return std::nullopt;
  const auto value = loadAs<CellValue>(from.data());
  const uint64_t seal = sealOf(value, place, from.size());
  if (loadAs<uint64_t>(from.data() + 8) != seal || value == kAbsent) return std::nullopt;
  for (size_t at = kValueSizeMin; at < from.size(); at += 8) {
    const uint64_t word = seal + at * 0x9e3779b97f4a7c15ull;
    if (std::memcmp(from.data() + at, &word, std::min<size_t>(8, from.size() - at)) != 0)
      return std::nullopt;
  }
  return value;
}

}  // namespace daos::simulator
