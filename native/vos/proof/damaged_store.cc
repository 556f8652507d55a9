#include "vos/proof/damaged_store.h"

#include <array>
#include <cstring>
#include <vector>

#include "vos/proof/sample_store.h"

namespace daos::vos::proof {

struct DamagedStore::Parts {
  SampleStore store;
  std::vector<std::byte> image;
  std::vector<uint32_t> words;  // offsets of those in use

  void change(Bytes change);
};

DamagedStore::DamagedStore() : parts_(std::make_unique<Parts>()) {
  parts_->store.make();
  const std::byte* data = parts_->store.region().data();
  parts_->image.assign(data, data + SampleStore::kArenaSize);
  // A line with something in it: what is zero there may be a field.
  constexpr size_t kLineSize = 64;
  const std::array<std::byte, kLineSize> empty{};
  for (uint32_t line = 0; line < SampleStore::kArenaSize; line += kLineSize) {
    if (std::memcmp(data + line, empty.data(), kLineSize) == 0) continue;
    for (uint32_t word = 0; word < kLineSize; word += 8) parts_->words.push_back(line + word);
  }
}

DamagedStore::~DamagedStore() = default;

size_t DamagedStore::wordCount() const { return parts_->words.size(); }

void DamagedStore::Parts::change(Bytes change) {
  constexpr uint64_t kSpecial[] = {0,
                                   1,
                                   ~uint64_t{0},
                                   uint64_t{1} << 47,
                                   uint64_t{1} << 63,
                                   SampleStore::kArenaSize,
                                   SampleStore::kArenaSize - 16,
                                   0x0f00'0000'0000'0000};
  std::byte* data = store.region().data();
  const auto wordAt = [&](size_t at) {
    return words[loadAs<uint16_t>(change.data() + at) % words.size()];
  };
  const uint32_t where = wordAt(0);
  const uint32_t other = wordAt(4);
  const auto how = static_cast<unsigned>(change[2]);
  const auto with = static_cast<unsigned>(change[3]);
  auto word = loadAs<uint64_t>(data + where);
  switch (how % 6) {
    case 0: word ^= uint64_t{with} << (how / 6 % 8 * 8); break;
    case 1: word ^= uint64_t{1} << (with % 64); break;
    case 2: word = loadAs<uint64_t>(data + other); break;
    // As if it named another block: with the marks it has, or those of the change.
    case 3: word = (other & ~uint64_t{15}) | (word & 15); break;
    case 4: word = (other & ~uint64_t{15}) | (with & 15); break;
    case 5: word = kSpecial[with % std::size(kSpecial)] + (with >> 4); break;
  }
  storeAs(data + where, word);
}

bool DamagedStore::use(Bytes input) {
  std::memcpy(parts_->store.region().data(), parts_->image.data(), parts_->image.size());
  for (; input.size() >= kChangeSize; input = input.subspan(kChangeSize)) {
    parts_->change(input.first(kChangeSize));
  }
  return parts_->store.useAll();
}

}  // namespace daos::vos::proof
