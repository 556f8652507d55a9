// What killed processes leave behind is removed by the next one.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "system/loopback.h"

namespace daos::system {
namespace {

TEST(ScratchDirectory, OfAKilledProcessIsRemovedByTheNext) {
  const ScratchDirectory parent;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const ScratchDirectory left(parent.path().string());
    const std::string path = left.path().string();
    std::ofstream(path + "/file") << "content";
    _exit(write(ends[1], path.data(), path.size()) > 0 ? 0 : 1);  // no destructor runs
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  char path[4096] = {};
  ASSERT_GT(read(ends[0], path, sizeof path - 1), 0);
  close(ends[0]);
  close(ends[1]);
  ASSERT_TRUE(std::filesystem::exists(path));
  const ScratchDirectory mine(parent.path().string());
  const ScratchDirectory another(parent.path().string());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(mine.path())) << "its process lives";
}

}  // namespace
}  // namespace daos::system
