#include "bio/file_error.h"

#include <cerrno>
#include <cstring>

namespace daos::bio {

Error fileError(const std::string& path, const char* what, int number) {
  const std::string message = path + ": " + what + ": " + std::strerror(number);
  switch (number) {
    case ENOENT:
      return Error(ErrorCode::kNonexist, message);
    case EEXIST:
      return Error(ErrorCode::kExist, message);
    case EACCES:
    case EPERM:
    case EROFS:
      return Error(ErrorCode::kNoPerm, message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error(ErrorCode::kNospace, message);
    case EBUSY:
    case EWOULDBLOCK:
      return Error(ErrorCode::kBusy, path + ": in use by another process");
    default:
      return Error(ErrorCode::kIo, message);
  }
}

}  // namespace daos::bio
