#include "engine/faulty_mark.h"

#include <fstream>

#include "engine/text_file.h"

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr const char* kMarkFile = "faulty";

Status writeFaultyMark(const fs::path& share, const FaultyMark& mark) {
  return writeTextFile(share / kMarkFile, mark.file + "\n" + lineOf(mark.why) + "\n");
}

std::optional<FaultyMark> readFaultyMark(const fs::path& share) {
  std::ifstream file(share / kMarkFile);
  if (!file) return std::nullopt;
  FaultyMark mark;
  std::getline(file, mark.file);
  std::getline(file, mark.why);
  return mark;
}

}  // namespace daos::engine
