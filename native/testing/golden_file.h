// Files that tests compare with, found wherever the test program runs.
#pragma once

#include <string>

namespace daos {

// The content of a file, named by its path from native/: "codec/golden/frame_v1.hex". A file that
// is missing reads as a text that says so, so that the comparison fails and tells why.
std::string readGoldenFile(const std::string& path);

}  // namespace daos
