// While it lives, no block of the arena that is freed is used again.
#pragma once

#include "vos/arena.h"

namespace daos::vos {

class HeldPin {
 public:
  explicit HeldPin(Arena& arena) : arena_(arena), pin_(arena.pin()) {}
  HeldPin(const HeldPin&) = delete;
  HeldPin& operator=(const HeldPin&) = delete;
  ~HeldPin() { arena_.unpin(pin_); }

 private:
  Arena& arena_;
  const Heap::Pin pin_;
};

}  // namespace daos::vos
