// Completion<T>: a place where one coroutine waits for a value that a callback brings.
//
// Thread: one. Exactly one set(); at most one waiter. The waiter is resumed inside set().
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace daos {

template <typename T>
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  bool isSet() const { return value_.has_value(); }
  void set(T value) {
    DAOS_ASSERT(!value_);
    value_.emplace(std::move(value));
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }
  bool await_ready() const noexcept { return isSet(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  T await_resume() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_;
};

}  // namespace daos
