// Which pages of memory are there, without touching them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

namespace daos {

// `memory` begins with a page.
inline size_t residentBytes(std::span<std::byte> memory) {
  const auto pageSize = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((memory.size() + pageSize - 1) / pageSize);
  if (mincore(memory.data(), memory.size(), pages.data()) != 0) return 0;
  const auto isThere = [](unsigned char page) { return (page & 1) != 0; };
  return static_cast<size_t>(std::count_if(pages.begin(), pages.end(), isThere)) * pageSize;
}

// True as soon as all of it is there, false after ten seconds.
inline bool becomesResident(std::span<std::byte> memory) {
  for (int i = 0; i < 1000 && residentBytes(memory) < memory.size(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return residentBytes(memory) == memory.size();
}

}  // namespace daos
