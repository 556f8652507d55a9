// Assertions: bugs of ours, on in every build. Bytes from a peer or a disk are checked, never
// asserted.
#pragma once

namespace daos {

[[noreturn]] void assertFailed(const char* condition, const char* file, int line);

}  // namespace daos

#define DAOS_ASSERT(condition)                              \
  do {                                                      \
    if (__builtin_expect(!(condition), 0)) {                \
      ::daos::assertFailed(#condition, __FILE__, __LINE__); \
    }                                                       \
  } while (false)
