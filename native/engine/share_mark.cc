#include "engine/share_mark.h"

#include <fstream>

#include "engine/text_file.h"

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr const char* kShareFile = "share";
static constexpr uint32_t kVersion = 1;

Status writeShareMark(const fs::path& folder, const ShareMark& mark) {
  return writeTextFile(folder / kShareFile, "daos-share " + std::to_string(kVersion) + "\n" +
                                                mark.share.toString() + "\nroles " +
                                                std::to_string(mark.roles.bits()) + "\n");
}

Result<std::optional<ShareMark>> readShareMark(const fs::path& folder) {
  const fs::path path = folder / kShareFile;
  if (!fs::exists(path)) return std::optional<ShareMark>();
  std::ifstream file(path);
  std::string magic, uuid, rolesWord;
  uint32_t version = 0, roles = 0;
  file >> magic >> version >> uuid >> rolesWord >> roles;
  const auto share = Uuid::parse(uuid);
  const bool isSound = file && magic == "daos-share" && version == kVersion && share.ok() &&
                       roles != 0 && bio::DeviceRoles(roles).bits() == roles;
  if (!isSound) return Error(ErrorCode::kDfInval, path.string() + " says no share");
  return std::optional<ShareMark>({*share, bio::DeviceRoles(roles)});
}

}  // namespace daos::engine
