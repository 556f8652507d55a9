// What a pool takes on disk is known before anything of it is made.
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/folder_pool_store.h"
#include "system/loopback.h"

namespace daos::system {
namespace {

namespace fs = std::filesystem;

class PoolSpace : public testing::TestWithParam<engine::ArenaKind> {
 protected:
  void SetUp() override {
    engine_ = engine::Engine::start({.dataDirectory = directory_.path(),
                                     .transports = {"local"},
                                     .localNetwork = network_.get(),
                                     .arenaKind = GetParam()})
                  .value();
  }
  Status create(engine::PoolSizes sizes) {
    return waitFor([&](auto done) { engine_->createPool(pool_, sizes, done); });
  }
  uint64_t sizeOfFiles() {
    uint64_t sum = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path() / "pools")) {
      if (entry.is_regular_file()) sum += entry.file_size();
    }
    return sum;
  }

  const Uuid pool_ = Uuid::fromRandom(1, 9);
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
};

TEST_P(PoolSpace, IsTheSizeOfItsFiles) {
  for (const uint64_t dataBytes : {0ull, 5ull << 20}) {
    const engine::PoolSizes sizes{.arenaBytes = 16 << 20, .dataBytes = dataBytes};
    ASSERT_TRUE(create(sizes).ok());
    EXPECT_EQ(sizeOfFiles(), engine::FolderPoolStore::bytesOnDisk(GetParam(), sizes)) << dataBytes;
    ASSERT_TRUE(waitFor([&](auto done) { engine_->destroyPool(pool_, done); }).ok());
  }
}

TEST_P(PoolSpace, APoolThatIsStoredButNotOpenYetIsNoneThatDoesNotExist) {
  ASSERT_TRUE(create({.arenaBytes = 16 << 20, .dataBytes = 1 << 20}).ok());
  ASSERT_TRUE(engine_->stop().ok());
  SetUp();
  const auto query = [this](Uuid pool) {
    return waitFor([&](auto done) {
             engine_->queryPool(pool, [done](const auto& shares) {
               done(shares.ok() ? Status() : Status(shares.error()));
             });
           })
        .code();
  };
  const auto createContainer = [this](Uuid pool) {
    return waitFor([&](auto done) { engine_->createContainer(pool, pool_, done); }).code();
  };
  EXPECT_EQ(query(pool_), ErrorCode::kAgain);
  EXPECT_EQ(createContainer(pool_), ErrorCode::kAgain);
  EXPECT_EQ(query(Uuid::fromRandom(2, 9)), ErrorCode::kNonexist);
  EXPECT_EQ(createContainer(Uuid::fromRandom(2, 9)), ErrorCode::kNonexist);
  ASSERT_TRUE(waitFor([&](auto done) { engine_->openPool(pool_, done); }).ok());
  EXPECT_EQ(query(pool_), ErrorCode::kOk);
  EXPECT_EQ(createContainer(pool_), ErrorCode::kOk);
}

TEST_P(PoolSpace, APoolWhoseLogAndCheckpointsHaveNoRoomIsRefusedAtOnce) {
  const uint64_t free = fs::space(directory_.path()).available;
  // A log arena of half of that takes more than all of it.
  const uint64_t arenaBytes = alignUp(GetParam() == engine::ArenaKind::kLog ? free / 2 : free + 1,
                                      1 << 20);
  const Status created = create({.arenaBytes = arenaBytes});
  ASSERT_EQ(created.code(), ErrorCode::kNospace);
  EXPECT_NE(created.error().message().find("the pool wants"), std::string::npos)
      << created.error().message();
  EXPECT_EQ(sizeOfFiles(), 0u);
}

std::string arenaName(const testing::TestParamInfo<engine::ArenaKind>& kind) {
  return kind.param == engine::ArenaKind::kLog ? "Log" : "Pmem";
}
INSTANTIATE_TEST_SUITE_P(Arenas, PoolSpace,
                         testing::Values(engine::ArenaKind::kLog, engine::ArenaKind::kPmem),
                         arenaName);

}  // namespace
}  // namespace daos::system
