#include "testing/leftovers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace daos {
namespace {

// A process that is gone.
pid_t goneProcess() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

TEST(TestingLeftovers, WhatAGoneProcessLeftIsRemovedAndWhatALivingOneHasIsNot) {
  const std::string prefix = "daos_leftovers_test";
  const std::string start = "/dev/shm/" + prefix + '.';
  const std::string gone = start + std::to_string(goneProcess()) + ".abc";
  const std::string living = start + std::to_string(getppid());
  const std::string nobodys = start + "notes";
  std::filesystem::create_directory(gone);
  std::ofstream(gone + "/arena") << "left";
  std::ofstream(living) << "in use";
  std::ofstream(nobodys) << "of no process";
  EXPECT_EQ(nameInSharedMemory(prefix, ".xyz"), start + std::to_string(getpid()) + ".xyz");
  EXPECT_FALSE(std::filesystem::exists(gone));
  EXPECT_TRUE(std::filesystem::exists(living));
  EXPECT_TRUE(std::filesystem::exists(nobodys));
  std::filesystem::remove(living);
  std::filesystem::remove(nobodys);
}

}  // namespace
}  // namespace daos
