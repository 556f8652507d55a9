// What the kernel says of a file, as an error that names it.
#pragma once

#include <string>

#include "base/result.h"

namespace daos::bio {

// `number`: of errno. DER_NONEXIST, DER_EXIST, DER_NO_PERM, DER_NOSPACE, DER_BUSY, else DER_IO.
Error fileError(const std::string& path, const char* what, int number);

}  // namespace daos::bio
