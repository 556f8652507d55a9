#include "bio/device_health.h"

#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace daos::bio {

static constexpr size_t kHealthPageSize = 512;
static constexpr uint8_t kGetLogPage = 0x02;
static constexpr uint32_t kHealthPage = 0x02;
static constexpr uint32_t kAllNamespaces = 0xffffffff;

Result<DeviceHealth> parseNvmeHealth(Bytes page) {
  if (page.size() < kHealthPageSize) {
    return invalid("a health page of " + std::to_string(page.size()) + " bytes");
  }
  const std::byte* at = page.data();
  DeviceHealth health;
  health.isAvailable = true;
  health.criticalWarning = static_cast<uint8_t>(at[0]);
  health.temperatureKelvin = loadAs<uint16_t>(at + 1);
  health.sparePercent = static_cast<uint8_t>(at[3]);
  health.spareThresholdPercent = static_cast<uint8_t>(at[4]);
  health.usedPercent = static_cast<uint8_t>(at[5]);
  // Of 128 bits each; no device lives to need the upper half.
  health.powerOnHours = loadAs<uint64_t>(at + 128);
  health.unsafeShutdownCount = loadAs<uint64_t>(at + 144);
  health.mediaErrorCount = loadAs<uint64_t>(at + 160);
  return health;
}

static DeviceHealth unavailable(std::string why) {
  DeviceHealth health;
  health.why = std::move(why);
  return health;
}

static DeviceHealth readNvme(int fd) {
  std::array<std::byte, kHealthPageSize> page{};
  nvme_admin_cmd command{};
  command.opcode = kGetLogPage;
  command.nsid = kAllNamespaces;
  command.addr = reinterpret_cast<uintptr_t>(page.data());
  command.data_len = page.size();
  command.cdw10 = kHealthPage | (kHealthPageSize / 4 - 1) << 16;
  const int code = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);
  if (code < 0) {
    const bool isForeign = errno == ENOTTY || errno == EINVAL;
    return unavailable(isForeign ? "the device's driver offers none" : std::strerror(errno));
  }
  if (code > 0) return unavailable("the device answers with status " + std::to_string(code));
  return parseNvmeHealth(page).value();
}

DeviceHealth readDeviceHealth(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status)) return unavailable(std::strerror(errno));
  if (!S_ISBLK(status.st_mode)) return unavailable("a file, not a device");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return unavailable(std::strerror(errno));
  DeviceHealth health = readNvme(fd);
  close(fd);
  return health;
}

}  // namespace daos::bio
