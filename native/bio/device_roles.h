// What a part of a device, or a device, is used for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace daos::bio {

enum class MediaRole : uint32_t { kWal = 1, kMeta = 2, kData = 3 };

inline constexpr MediaRole kMediaRoles[] = {MediaRole::kWal, MediaRole::kMeta, MediaRole::kData};

// For configuration and people.
constexpr const char* roleName(MediaRole role) {
  constexpr const char* kNames[] = {"", "wal", "meta", "data"};
  return kNames[static_cast<size_t>(role)];
}

// A set of roles; in formats bit 0 is WAL, 1 META, 2 DATA.
class DeviceRoles {
 public:
  static constexpr uint32_t kAll = 7;
  constexpr DeviceRoles() = default;
  constexpr explicit DeviceRoles(uint32_t bits) : bits_(bits & kAll) {}
  constexpr DeviceRoles(std::initializer_list<MediaRole> roles) {
    for (const MediaRole role : roles) bits_ |= bitOf(role);
  }
  constexpr bool has(MediaRole role) const { return (bits_ & bitOf(role)) != 0; }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool isEmpty() const { return bits_ == 0; }
  constexpr DeviceRoles operator|(DeviceRoles other) const {
    return DeviceRoles(bits_ | other.bits_);
  }
  bool operator==(const DeviceRoles&) const = default;
  // "wal, meta"
  std::string names() const {
    std::string all;
    for (const MediaRole role : kMediaRoles) {
      if (has(role)) all += (all.empty() ? "" : ", ") + std::string(roleName(role));
    }
    return all;
  }

 private:
  static constexpr uint32_t bitOf(MediaRole role) {
    return 1u << (static_cast<uint32_t>(role) - 1);
  }
  uint32_t bits_ = 0;
};

}  // namespace daos::bio
