#include <gtest/gtest.h>

#include "base/hybrid_clock.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "base/uuid.h"

namespace daos {
namespace {

Result<int> half(int value) {
  if (value % 2) return invalid("odd: " + std::to_string(value));
  return value / 2;
}

Result<int> quarter(int value) {
  DAOS_TRY(int first, half(value));
  DAOS_TRY(int second, half(first));
  return second;
}

TEST(BaseResult, TryPassesTheValueOnOrReturnsTheError) {
  EXPECT_EQ(*quarter(8), 2);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().describe(), "DER_INVAL: odd: 3");
}

TEST(BaseResult, WithinPutsTheOuterThingBeforeTheMessage) {
  EXPECT_EQ(Error(ErrorCode::kNospace).within("pool a").describe(),
            "DER_NOSPACE: pool a: no space left");
}

TEST(BaseResult, EveryCodeHasANameAndAText) {
  for (const ErrorInfo& info : kErrorInfos) {
    EXPECT_EQ(errorName(info.code), info.name);
    EXPECT_TRUE(isErrorCode(static_cast<uint32_t>(info.code)));
  }
  EXPECT_FALSE(isErrorCode(0));
  EXPECT_FALSE(isErrorCode(9999));
}

TEST(BaseUuid, TextFormSurvivesARoundTrip) {
  const Uuid uuid = Uuid::fromRandom(0x0123456789abcdef, 0xfedcba9876543210);
  EXPECT_EQ(Uuid::parse(uuid.toString()).value(), uuid);
  EXPECT_EQ(uuid.toString()[14], '4');
}

TEST(BaseUuid, MalformedTextIsRefusedByName) {
  for (const char* text : {"", "1234", "0123456789abcdef0123456789abcdef0123",
                           "zzzzzzzz-0000-4000-8000-000000000000"}) {
    const auto parsed = Uuid::parse(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_NE(parsed.error().message().find(text), std::string_view::npos);
  }
}

TEST(BaseHybridClock, EpochsIncreaseEvenWhenTheWallClockStepsBack) {
  HybridClock clock;
  const uint64_t now = kEpochZeroUnixNs + 1000;
  const Epoch first = clock.next(now);
  EXPECT_EQ(clock.next(now), first + 1);
  EXPECT_EQ(clock.next(now - 500), first + 2);
  EXPECT_EQ(HybridClock::toWall(first), now);
}

TEST(BaseHybridClock, AnObservedEpochPushesTheClockButNotPastTheSkewLimit) {
  HybridClock clock;
  const uint64_t now = kEpochZeroUnixNs + 1000;
  ASSERT_TRUE(clock.observe(5000, now).ok());
  EXPECT_EQ(clock.next(now), 5001u);
  EXPECT_EQ(clock.observe(HybridClock::fromWall(now) + kEpochSkewMaxNs + 1, now).code(),
            ErrorCode::kOverflow);
  EXPECT_EQ(clock.last(), 5001u);
}

TEST(BaseHybridClock, ItGoesOnFromItsOwnPastHoweverFarTheWallClockWasSetBack) {
  HybridClock clock;
  const uint64_t now = kEpochZeroUnixNs + 1000;
  const Epoch past = HybridClock::fromWall(now) + 100 * kEpochSkewMaxNs;
  clock.resume(past);
  EXPECT_EQ(clock.next(now), past + 1);
  clock.resume(past - 5);
  EXPECT_EQ(clock.next(now), past + 2);
}

struct Item : IntrusiveLink<struct ItemTag> {
  explicit Item(int v) : value(v) {}
  int value;
};

TEST(BaseIntrusiveList, KeepsOrderAndForgetsWhatIsDestroyed) {
  IntrusiveList<Item, ItemTag> list;
  Item first(1), third(3);
  list.pushBack(first);
  {
    Item second(2);
    list.pushBack(second);
    list.pushBack(third);
  }
  EXPECT_EQ(list.after(&first), &third);
  EXPECT_EQ(list.popFront()->value, 1);
  EXPECT_EQ(list.popFront()->value, 3);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace daos
