// What tests that were killed have left in shared memory.
#pragma once

#include <string>
#include <string_view>

namespace daos {

// A name for a file or directory of this process in /dev/shm: PREFIX.PID, with `suffix` behind it.
// Removes all of that prefix whose processes are gone: a killed test can't clean up after itself,
// and what it leaves there is memory.
std::string nameInSharedMemory(std::string_view prefix, std::string_view suffix = "");

}  // namespace daos
