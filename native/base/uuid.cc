#include "base/uuid.h"

namespace daos {

static constexpr size_t kTextSize = 36;
static constexpr bool isDashAt(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

Uuid Uuid::fromRandom(uint64_t high, uint64_t low) {
  Uuid uuid;
  storeAs(uuid.bytes.data(), high);
  storeAs(uuid.bytes.data() + 8, low);
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

static int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  const auto refuse = [&] { return invalid("not a UUID: '" + std::string(text) + "'"); };
  if (text.size() != kTextSize) return refuse();
  Uuid uuid;
  size_t digit = 0;
  for (size_t i = 0; i < kTextSize; ++i) {
    if (isDashAt(i)) {
      if (text[i] != '-') return refuse();
      continue;
    }
    const int value = hexValue(text[i]);
    if (value < 0) return refuse();
    uuid.bytes[digit / 2] = static_cast<uint8_t>(uuid.bytes[digit / 2] << 4 | value);
    ++digit;
  }
  return uuid;
}

std::string Uuid::toString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : bytes) {
    if (isDashAt(text.size())) text.push_back('-');
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace daos
