// Arrays, key-value stores and handles for other processes, against a running engine.
#include <gtest/gtest.h>

#include <set>

#include "client/array.h"
#include "client/global_handle.h"
#include "client/key_value.h"
#include "system/system_fixture.h"

namespace daos::system {
namespace {

class Collections : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 3,
                                         .transports = {"local"},
                                         .arenaKind = engine::ArenaKind::kPmem}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte}));
    startClient();
    ASSERT_NO_FATAL_FAILURE(openContainer());
  }

  client::KeyValue keyValue(uint64_t low) {
    const auto oid = ObjectId::make({low, 0}, ObjectType::kMultiHashed, 1, placementOfAll());
    return client::KeyValue(client::Object::open(open_, oid).value());
  }
  client::Array array(uint64_t low, client::ArrayShape shape) {
    const auto oid = ObjectId::make({low, 0}, ObjectType::kArrayByte, 1, placementOfAll());
    return client::Array::open(client::Object::open(open_, oid).value(), shape).value();
  }
  static uint16_t placementOfAll() { return placement::kGroupCountMax; }
  template <typename T>
  T run(Task<T> task) {
    return client_->run(std::move(task));
  }
};

TEST_F(Collections, AKeyHasItsLastValueUntilItIsRemoved) {
  const auto store = keyValue(1);
  EXPECT_EQ(*run(store.size(bytesOf("k"))), 0u);
  ASSERT_TRUE(run(store.put(bytesOf("k"), bytesOf("first"))).ok());
  ASSERT_TRUE(run(store.put(bytesOf("k"), bytesOf("second one"))).ok());
  EXPECT_EQ(*run(store.size(bytesOf("k"))), 10u);
  std::string room(16, '.');
  EXPECT_EQ(*run(store.get(bytesOf("k"), bytesOf(room.data(), room.size()))), 10u);
  EXPECT_EQ(room, "second one......");
  EXPECT_EQ(run(store.get(bytesOf("k"), bytesOf(room.data(), 9))).code(), ErrorCode::kRec2big);
  ASSERT_TRUE(run(store.remove(bytesOf("k"))).ok());
  EXPECT_EQ(*run(store.size(bytesOf("k"))), 0u);
}

TEST_F(Collections, ConditionsDecideAtomically) {
  const auto store = keyValue(2);
  using Options = client::KeyValueOptions;
  const Options insert{.conditions = kDkeyInsert};
  const Options update{.conditions = kDkeyUpdate};
  EXPECT_EQ(run(store.put(bytesOf("k"), bytesOf("v"), update)).code(), ErrorCode::kNonexist);
  EXPECT_TRUE(run(store.put(bytesOf("k"), bytesOf("v"), insert)).ok());
  EXPECT_EQ(run(store.put(bytesOf("k"), bytesOf("w"), insert)).code(), ErrorCode::kExist);
  EXPECT_EQ(run(store.remove(bytesOf("other"), {.conditions = kDkeyPunch})).code(),
            ErrorCode::kNonexist);
  EXPECT_EQ(run(store.size(bytesOf("other"), {.conditions = kDkeyFetch})).code(),
            ErrorCode::kNonexist);
  EXPECT_EQ(run(store.put(bytesOf("k"), Bytes())).code(), ErrorCode::kInval);
}

TEST_F(Collections, EveryKeyIsListedOnceOverAllTargets) {
  const auto store = keyValue(3);
  std::set<std::string> written;
  for (int i = 0; i < 200; ++i) {
    written.insert("key " + std::to_string(i));
    ASSERT_TRUE(run(store.put(bytesOf("key " + std::to_string(i)), bytesOf("v"))).ok());
  }
  std::multiset<std::string> listed;
  client::EnumerationAnchor anchor;
  while (!anchor.isEnd) {
    const auto keys = run(store.list(anchor, 7));
    ASSERT_TRUE(keys.ok()) << keys.error().describe();
    listed.insert(keys->begin(), keys->end());
  }
  EXPECT_EQ(listed, std::multiset<std::string>(written.begin(), written.end()));
  ASSERT_TRUE(run(store.clear()).ok());
  anchor = {};
  while (!anchor.isEnd) EXPECT_TRUE(run(store.list(anchor, 7))->empty());
}

TEST_F(Collections, AnArrayCrossesChunksAndKnowsItsSize) {
  const auto numbers = array(4, {.cellSize = 1, .chunkSize = 1000});
  EXPECT_EQ(*run(numbers.size()), 0u);
  std::string written(3500, '\0');
  for (size_t i = 0; i < written.size(); ++i) written[i] = static_cast<char>('a' + i % 23);
  ASSERT_TRUE(run(numbers.write({.index = 750, .memory = bytesOf(written)})).ok());
  EXPECT_EQ(*run(numbers.size()), 4250u);
  std::string room(5000, '#');
  EXPECT_EQ(*run(numbers.read({.index = 0, .memory = bytesOf(room.data(), room.size())})), 4250u);
  EXPECT_EQ(room.substr(0, 750), std::string(750, '\0')) << "never written reads as zeros";
  EXPECT_EQ(room.substr(750, 3500), written);
  EXPECT_EQ(room.substr(4250), std::string(750, '#')) << "behind the end nothing is touched";
}

TEST_F(Collections, AnArrayIsCutExtendedAndPunched) {
  const auto bytes = array(5, {.cellSize = 1, .chunkSize = 100});
  const std::string text(450, 'x');
  ASSERT_TRUE(run(bytes.write({.index = 0, .memory = bytesOf(text)})).ok());
  ASSERT_TRUE(run(bytes.setSize(130)).ok());
  EXPECT_EQ(*run(bytes.size()), 130u);
  ASSERT_TRUE(run(bytes.setSize(777)).ok());
  EXPECT_EQ(*run(bytes.size()), 777u);
  std::string room(777, '#');
  EXPECT_EQ(*run(bytes.read({.index = 0, .memory = bytesOf(room.data(), room.size())})), 777u);
  EXPECT_EQ(room, std::string(130, 'x') + std::string(647, '\0'));
  ASSERT_TRUE(run(bytes.punch(10, 20)).ok());
  EXPECT_EQ(*run(bytes.read({.index = 0, .memory = bytesOf(room.data(), 50)})), 50u);
  EXPECT_EQ(room.substr(0, 50),
            std::string(10, 'x') + std::string(20, '\0') + std::string(20, 'x'));
}

TEST_F(Collections, AnotherProcessOpensAHandleThatItWasGiven) {
  ASSERT_TRUE(run(keyValue(6).put(bytesOf("k"), bytesOf("shared"))).ok());
  const std::vector<std::byte> global = client::toGlobal(*open_);
  const auto other = LoopbackClient::create({"local"}, network_.get()).value();
  {
    auto opened = other->run(client::fromGlobal(other->context(), global));
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    EXPECT_EQ((*opened)->uuid(), container_);
    const auto oid = ObjectId::make({6, 0}, ObjectType::kMultiHashed, 1, placementOfAll());
    const client::KeyValue store(client::Object::open(*opened, oid).value());
    EXPECT_EQ(*other->run(store.size(bytesOf("k"))), 6u);
  }
  EXPECT_EQ(*run(keyValue(6).size(bytesOf("k"))), 6u) << "the first handle outlives the second";
}

TEST_F(Collections, DamagedHandlesAreRefused) {
  const std::vector<std::byte> global = client::toGlobal(*open_);
  for (size_t size = 0; size < global.size(); ++size) {
    const auto opened = run(client::fromGlobal(client_->context(), Bytes(global).first(size)));
    EXPECT_EQ(opened.code(), ErrorCode::kInval) << "cut to " << size;
  }
  for (size_t i = 0; i < global.size(); ++i) {
    std::vector<std::byte> damaged = global;
    damaged[i] ^= std::byte{0x10};
    EXPECT_FALSE(run(client::fromGlobal(client_->context(), damaged)).ok()) << "byte " << i;
  }
}

}  // namespace
}  // namespace daos::system
