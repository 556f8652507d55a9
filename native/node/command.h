// The parameters of one call, as JavaScript wrote them into the shared command buffer:
// little-endian numbers and length-prefixed bytes, one after the other, in the order that both
// signatures over each binding function name.
//
// The reader never reads past the end: a command that is too short makes every later read return
// zeros, and status() says so.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "model/object_id.h"

namespace daos::node {

class CommandReader {
 public:
  explicit CommandReader(Bytes command) : rest_(command) {}

  bool boolean() { return number<uint8_t>() != 0; }
  uint8_t u8() { return number<uint8_t>(); }
  uint32_t u32() { return number<uint32_t>(); }
  uint64_t u64() { return number<uint64_t>(); }
  // Borrowed from the command.
  Bytes bytes() { return take(u32()); }
  std::string text() { return std::string(textOf(bytes())); }
  ObjectId objectId() {
    const uint64_t low = u64();
    return {low, u64()};
  }
  Uuid uuid() {
    Uuid uuid;
    const Bytes from = take(uuid.bytes.size());
    if (!from.empty()) std::memcpy(uuid.bytes.data(), from.data(), from.size());
    return uuid;
  }
  // The last parameter of an operation whose caller traces it; null where there is none. Lives as
  // long as the reader.
  const TraceContext* trace() {
    if (rest_.size() != sizeof(trace_)) return nullptr;
    trace_ = number<TraceContext>();
    return &trace_;
  }
  size_t remaining() const { return rest_.size(); }

  Status status() const {
    return isShort_ ? Status(invalid("a command from JavaScript ends in the middle of a parameter"))
                    : Status();
  }

 private:
  template <typename T>
  T number() {
    const Bytes from = take(sizeof(T));
    return from.empty() ? T{} : loadAs<T>(from.data());
  }
  Bytes take(size_t size) {
    if (size > rest_.size()) {
      isShort_ = true;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  Bytes rest_;
  bool isShort_ = false;
  TraceContext trace_;
};

// The mirror image, for answers that JavaScript decodes: lists of keys, extents, properties.
class AnswerWriter {
 public:
  void u8(uint8_t value) { number(value); }
  void u32(uint32_t value) { number(value); }
  void u64(uint64_t value) { number(value); }
  void bytes(Bytes value) {
    u32(static_cast<uint32_t>(value.size()));
    append(value);
  }
  void text(std::string_view value) { bytes(bytesOf(value)); }
  void objectId(const ObjectId& oid) {
    u64(oid.low);
    u64(oid.high);
  }
  // Overwrites the number written at `offset`.
  void setU32(size_t offset, uint32_t value) { storeAs(&out_[offset], value); }
  size_t size() const { return out_.size(); }
  const std::string& data() const { return out_; }

 private:
  template <typename T>
  void number(T value) {
    append(bytesOf(&value, sizeof(value)));
  }
  void append(Bytes value) { out_.append(textOf(value)); }

  std::string out_;
};

}  // namespace daos::node
