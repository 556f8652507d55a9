#include "bio/machine_start.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "codec/checksum.h"

namespace daos::bio {

uint32_t machineStartMark() {
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  std::array<std::byte, 64> text;
  const ssize_t size = read(fd, text.data(), text.size());
  close(fd);
  return size < 32 ? 0 : crc32c(Bytes(text).first(static_cast<size_t>(size)), 0);
}

}  // namespace daos::bio
