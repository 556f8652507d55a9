#include "testing/golden_file.h"

#include <fstream>
#include <iterator>

namespace daos {

std::string readGoldenFile(const std::string& path) {
  // Not __FILE__: a compiler cache makes that relative to the build directory.
  const std::string whole = std::string(DAOS_SOURCE_DIRECTORY) + "/" + path;
  std::ifstream file(whole, std::ios::binary);
  if (!file) return "no file " + whole;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace daos
