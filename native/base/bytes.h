// Byte ranges: borrowed, never owned. Little-endian loads and stores for wire and disk formats.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace daos {

static_assert(std::endian::native == std::endian::little, "formats are stored little-endian");

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline Bytes bytesOf(const void* data, size_t size) {
  return {static_cast<const std::byte*>(data), size};
}
inline MutableBytes bytesOf(void* data, size_t size) {
  return {static_cast<std::byte*>(data), size};
}
inline std::string_view textOf(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
T loadAs(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void storeAs(void* to, const T& value) {
  std::memcpy(to, &value, sizeof(T));
}

constexpr uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}
constexpr uint64_t alignDown(uint64_t value, uint64_t alignment) {
  return value / alignment * alignment;
}

}  // namespace daos
