#include "engine/devices_file.h"

#include <fstream>
#include <sstream>

#include "bio/engine_label.h"
#include "engine/text_file.h"

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr uint32_t kVersion = 1;

static Error damaged(const std::string& what) { return Error(ErrorCode::kDfInval, what); }

std::string textOf(const DevicesFile& file) {
  std::ostringstream text;
  text << "daos-devices " << kVersion << "\nengine " << file.engine.toString() << "\nstate "
       << (file.isFormatting ? "formatting" : "ready") << "\n";
  for (const KnownDevice& device : file.devices) {
    text << "device " << device.uuid.toString() << ' ' << device.roles.bits() << ' '
         << device.deviceBytes << ' ' << device.regionBytes << ' '
         << (device.isFaulty ? "faulty" : "normal") << ' ' << lineOf(device.path) << "\n";
    if (device.isFaulty) text << "why " << lineOf(device.why) << "\n";
  }
  return text.str();
}

static Result<KnownDevice> parseDevice(const std::string& line) {
  std::istringstream text(line);
  std::string word, uuid, state;
  uint32_t roles = 0;
  KnownDevice device;
  text >> word >> uuid >> roles >> device.deviceBytes >> device.regionBytes >> state;
  if (!text || word != "device" || text.get() != ' ' || !std::getline(text, device.path) ||
      device.path.empty()) {
    return damaged("a line that says no device: " + line);
  }
  DAOS_TRY(device.uuid, Uuid::parse(uuid));
  device.roles = bio::DeviceRoles(roles);
  device.isFaulty = state == "faulty";
  const bool isSound = (device.isFaulty || state == "normal") && device.roles.bits() == roles &&
                       !device.roles.isEmpty();
  if (!isSound) return damaged("a line that says no device: " + line);
  return device;
}

Result<DevicesFile> parseDevicesFile(const std::string& content) {
  std::istringstream text(content);
  std::string magic, engineWord, uuid, stateWord, state, line;
  uint32_t version = 0;
  DevicesFile file;
  text >> magic >> version >> engineWord >> uuid >> stateWord >> state;
  if (!text || magic != "daos-devices") return damaged("it is no list of an engine's devices");
  if (version != kVersion) {
    return Error(ErrorCode::kDfIncompt, "a list of devices of version " + std::to_string(version) +
                                            "; this is version " + std::to_string(kVersion));
  }
  DAOS_TRY(file.engine, Uuid::parse(uuid));
  file.isFormatting = state == "formatting";
  if (!file.isFormatting && state != "ready") return damaged("its state is " + state);
  std::getline(text, line);
  while (std::getline(text, line)) {
    if (line.starts_with("why ") && !file.devices.empty()) {
      file.devices.back().why = line.substr(4);
      continue;
    }
    DAOS_TRY(KnownDevice device, parseDevice(line));
    file.devices.push_back(std::move(device));
  }
  if (file.devices.empty() || file.devices.size() > bio::kEngineDeviceCountMax) {
    return damaged("it names " + std::to_string(file.devices.size()) + " devices");
  }
  return file;
}

Result<std::optional<DevicesFile>> readDevicesFile(const fs::path& directory) {
  const fs::path path = directory / "devices";
  std::ifstream file(path);
  if (!file) return std::optional<DevicesFile>();
  std::ostringstream text;
  text << file.rdbuf();
  auto parsed = parseDevicesFile(text.str());
  if (!parsed.ok()) {
    // What is malformed there is no caller's mistake.
    const bool isInval = parsed.code() == ErrorCode::kInval;
    return Error(isInval ? ErrorCode::kDfInval : parsed.code(),
                 path.string() + ": " + std::string(parsed.error().message()));
  }
  return std::optional<DevicesFile>(std::move(parsed).value());
}

Status writeDevicesFile(const fs::path& directory, const DevicesFile& file) {
  return writeTextFile(directory / "devices", textOf(file));
}

}  // namespace daos::engine
