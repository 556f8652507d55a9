// Reading and writing of message bodies: bounds-checked, 8-byte aligned, no allocation.
//
// Every struct on the wire is a trivially copyable POD without padding; variable parts follow it,
// each padded with zeros to a multiple of 8.
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace daos::protocol {

inline constexpr size_t kWireAlignment = 8;

// Appends to a vector that its owner reuses from call to call.
class WireWriter {
 public:
  explicit WireWriter(std::vector<std::byte>& out) : out_(out) { out_.clear(); }

  template <typename T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
    static_assert(sizeof(T) % kWireAlignment == 0);
    append(&value, sizeof(T));
  }
  template <typename T>
  void putAll(std::span<const T> values) {
    static_assert(sizeof(T) % kWireAlignment == 0);
    append(values.data(), values.size_bytes());
  }
  void putPadded(Bytes bytes) {
    append(bytes.data(), bytes.size());
    out_.resize(alignUp(out_.size(), kWireAlignment));
  }
  size_t size() const { return out_.size(); }
  // Overwrites what was put at `offset`.
  template <typename T>
  void patch(size_t offset, const T& value) {
    storeAs(out_.data() + offset, value);
  }

 private:
  void append(const void* data, size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), from, from + size);
  }
  std::vector<std::byte>& out_;
};

// Walks over bytes from a peer. Every read fails once one has failed or the bytes are too short.
class WireReader {
 public:
  explicit WireReader(Bytes bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool atEnd() const { return ok_ && rest_.empty(); }
  Bytes rest() const { return rest_; }

  template <typename T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % kWireAlignment == 0);
    const Bytes taken = take(sizeof(T));
    return taken.empty() ? T{} : loadAs<T>(taken.data());
  }
  // `count` values in place. Fails unless the body is 8-byte aligned in memory.
  template <typename T>
  std::span<const T> getAll(size_t count) {
    if (count > rest_.size() / sizeof(T)) return fail<T>();
    const Bytes taken = take(count * sizeof(T));
    if (reinterpret_cast<uintptr_t>(taken.data()) % alignof(T) != 0) return fail<T>();
    return {reinterpret_cast<const T*>(taken.data()), ok_ ? count : 0};
  }
  Bytes getPadded(size_t size) {
    if (size > rest_.size()) return fail<std::byte>();
    const Bytes taken = take(alignUp(size, kWireAlignment));
    return taken.first(ok_ ? size : 0);
  }

 private:
  template <typename T>
  std::span<const T> fail() {
    ok_ = false;
    return {};
  }
  Bytes take(size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  Bytes rest_;
  bool ok_ = true;
};

}  // namespace daos::protocol
