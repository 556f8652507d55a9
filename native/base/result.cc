#include "base/result.h"

namespace daos {

static const ErrorInfo* findInfo(ErrorCode code) {
  for (const ErrorInfo& info : kErrorInfos) {
    if (info.code == code) return &info;
  }
  return nullptr;
}

std::string_view errorName(ErrorCode code) {
  if (code == ErrorCode::kOk) return "DER_SUCCESS";
  const ErrorInfo* info = findInfo(code);
  return info ? info->name : "DER_UNKNOWN";
}

std::string_view errorText(ErrorCode code) {
  if (code == ErrorCode::kOk) return "success";
  const ErrorInfo* info = findInfo(code);
  return info ? info->text : "unknown error";
}

bool isRetryable(ErrorCode code) {
  const ErrorInfo* info = findInfo(code);
  return info != nullptr && info->retryable;
}

bool isErrorCode(uint32_t value) { return findInfo(static_cast<ErrorCode>(value)) != nullptr; }

std::string Error::describe() const {
  return std::string(errorName(code_)).append(": ").append(message());
}

Error Error::within(std::string_view prefix) && {
  return Error(code_, std::string(prefix).append(": ").append(message()));
}

}  // namespace daos
