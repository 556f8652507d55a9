// Small files that are replaced whole: one that was written is there after a crash, or the one
// before.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace daos::engine {

// Durable when it returns. DER_NOSPACE, DER_NO_PERM, DER_IO.
Status writeTextFile(const std::filesystem::path& path, const std::string& text);
// Names that were made, changed or removed in `directory` are so after a crash, too.
Status syncDirectory(const std::filesystem::path& directory);
// One line, whatever `text` holds.
std::string lineOf(std::string text);

}  // namespace daos::engine
