// Errors as values: Error, Result<T>, Status, and the macros that pass an error up.
//
// An Error is 16 bytes; success allocates nothing. A message names the thing that failed and, where
// there is one, the way out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/generated/error_code.h"

namespace daos {

// Name as in DAOS's C API ("DER_NONEXIST"); "DER_UNKNOWN" for a number outside the table.
std::string_view errorName(ErrorCode code);
std::string_view errorText(ErrorCode code);
bool isRetryable(ErrorCode code);
// True when `value` is the number of a code in the table (bytes from a peer).
bool isErrorCode(uint32_t value);

class [[nodiscard]] Error {
 public:
  explicit Error(ErrorCode code) : code_(code) { DAOS_ASSERT(code != ErrorCode::kOk); }
  Error(ErrorCode code, std::string message)
      : code_(code), message_(std::make_unique<std::string>(std::move(message))) {
    DAOS_ASSERT(code != ErrorCode::kOk);
  }
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  Error(const Error& other) : code_(other.code_) {
    if (other.message_) message_ = std::make_unique<std::string>(*other.message_);
  }
  Error& operator=(const Error& other) { return *this = Error(other); }

  ErrorCode code() const { return code_; }
  // The message, or the code's own text when there is none.
  std::string_view message() const { return message_ ? *message_ : errorText(code_); }
  // "DER_NONEXIST: no container 'a'".
  std::string describe() const;
  // The same error with `prefix: ` before its message.
  Error within(std::string_view prefix) &&;

 private:
  ErrorCode code_;
  std::unique_ptr<std::string> message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }
  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }
  ErrorCode code() const { return ok() ? ErrorCode::kOk : error().code(); }

 private:
  T& checked() {
    DAOS_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  void value() const { DAOS_ASSERT(ok()); }
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }
  ErrorCode code() const { return ok() ? ErrorCode::kOk : error_->code(); }

 private:
  std::unique_ptr<Error> error_;
};

using Status = Result<void>;

inline Error invalid(std::string message) { return Error(ErrorCode::kInval, std::move(message)); }

}  // namespace daos

#define DAOS_CONCAT_INNER(a, b) a##b
#define DAOS_CONCAT(a, b) DAOS_CONCAT_INNER(a, b)
#define DAOS_TRY_WITH(how, temporary, declaration, ...)  \
  auto temporary = (__VA_ARGS__);                        \
  if (!temporary.ok()) how std::move(temporary).error(); \
  declaration = std::move(temporary).value()
#define DAOS_TRY_STATUS(how, ...)                            \
  do {                                                       \
    auto daosStatus = (__VA_ARGS__);                         \
    if (!daosStatus.ok()) how std::move(daosStatus).error(); \
  } while (false)

// DAOS_TRY(auto x, expression);  x is the value, or this function returns the error. An expression
// with commas outside of parentheses wants parentheses of its own.
// DAOS_CHECK(expression);        the same for a Status.
#define DAOS_TRY(declaration, ...) \
  DAOS_TRY_WITH(return, DAOS_CONCAT(daosResult, __COUNTER__), declaration, __VA_ARGS__)
#define DAOS_CHECK(...) DAOS_TRY_STATUS(return, __VA_ARGS__)
// The same in a coroutine.
#define DAOS_CO_TRY(declaration, ...) \
  DAOS_TRY_WITH(co_return, DAOS_CONCAT(daosResult, __COUNTER__), declaration, __VA_ARGS__)
#define DAOS_CO_CHECK(...) DAOS_TRY_STATUS(co_return, __VA_ARGS__)
