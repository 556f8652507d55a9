#include "engine/container/pool_key.h"

#include <gtest/gtest.h>

#include "codec/seal.h"
#include "protocol/capability.h"

namespace daos::engine {
namespace {

constexpr uint64_t kNowMs = 1'000'000;
const Uuid kPool = Uuid::fromRandom(1, 2);
const Uuid kContainer = Uuid::fromRandom(3, 4);
const PoolKey kKey = {.version = 2, .secret = {7, 7, 7}};

protocol::ContainerOpenRequest request(uint32_t flags) {
  return {.pool = kPool, .container = kContainer, .flags = flags};
}

protocol::SealedCapability sealed(protocol::Capability capability, const PoolKey& key = kKey) {
  return {capability, sealOf(bytesOf(key.secret.data(), key.secret.size()),
                             bytesOf(&capability, sizeof(capability)))};
}

protocol::Capability good() {
  return {.pool = kPool,
          .container = kContainer,
          .rights = protocol::kRightRead | protocol::kRightWrite,
          .keyVersion = 2,
          .expiresMs = kNowMs + 1};
}

ErrorCode codeOf(const protocol::SealedCapability& shown, uint32_t flags, uint64_t nowMs = kNowMs) {
  const auto origin = checkCapability(kKey, bytesOf(&shown, sizeof(shown)), request(flags), nowMs);
  return origin.ok() ? ErrorCode::kOk : origin.error().code();
}

TEST(PoolKey, ACapabilityOpensWhatItNamesUntilItExpires) {
  EXPECT_EQ(codeOf(sealed(good()), protocol::kOpenReadWrite), ErrorCode::kOk);
  EXPECT_EQ(codeOf(sealed(good()), 0), ErrorCode::kOk);
  EXPECT_EQ(codeOf(sealed(good()), 0, kNowMs + 1), ErrorCode::kNoPerm);
}

TEST(PoolKey, EveryAlteredBitIsRefused) {
  for (size_t bit = 0; bit < sizeof(protocol::SealedCapability) * 8; ++bit) {
    auto shown = sealed(good());
    auto* bytes = reinterpret_cast<uint8_t*>(&shown);
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(codeOf(shown, 0), ErrorCode::kOk) << bit;
  }
}

TEST(PoolKey, OtherContainersRightsAndKeysAreRefused) {
  auto other = good();
  other.container = kPool;
  EXPECT_EQ(codeOf(sealed(other), 0), ErrorCode::kNoPerm);
  auto ofOtherPool = good();
  ofOtherPool.pool = kContainer;
  EXPECT_EQ(codeOf(sealed(ofOtherPool), 0), ErrorCode::kNoPerm);
  auto readOnly = good();
  readOnly.rights = protocol::kRightRead;
  EXPECT_EQ(codeOf(sealed(readOnly), 0), ErrorCode::kOk);
  EXPECT_EQ(codeOf(sealed(readOnly), protocol::kOpenReadWrite), ErrorCode::kNoPerm);
  auto writeOnly = good();
  writeOnly.rights = protocol::kRightWrite;
  EXPECT_EQ(codeOf(sealed(writeOnly), 0), ErrorCode::kNoPerm);
  EXPECT_EQ(codeOf(sealed(writeOnly), protocol::kOpenReadWrite), ErrorCode::kOk);
  EXPECT_EQ(codeOf(sealed(good(), {.version = 2, .secret = {8}}), 0), ErrorCode::kNoPerm);
  auto earlier = good();
  earlier.keyVersion = 1;
  EXPECT_EQ(codeOf(sealed(earlier), 0), ErrorCode::kEvicted);
  EXPECT_EQ(codeOf(sealed(earlier, {.version = 1, .secret = {6}}), 0), ErrorCode::kEvicted);
}

TEST(PoolKey, WhoMayWriteAloneDoesNotRead) {
  for (const uint32_t also : {0U, protocol::kRightRead}) {
    auto capability = good();
    capability.rights = protocol::kRightWrite | also;
    const auto shown = sealed(capability);
    const auto origin = checkCapability(kKey, bytesOf(&shown, sizeof(shown)),
                                        request(protocol::kOpenReadWrite), kNowMs);
    EXPECT_EQ(origin->mayRead, also != 0);
  }
}

TEST(PoolKey, AnEvictionRevokesWhatItNamesAndWasSealedBefore) {
  constexpr uint64_t kMachine = 77;
  PoolKey key = kKey;
  key.serial = 3;
  key.evictions = {{.container = kContainer, .serial = 2}, {.machine = kMachine, .serial = 3}};
  const auto codeOf = [&](uint32_t serial, uint64_t machine, const Uuid& container) {
    auto capability = good();
    capability.container = container;
    capability.serial = serial;
    capability.machine = machine;
    const auto shown = sealed(capability);
    auto wanted = request(0);
    wanted.container = container;
    const auto origin = checkCapability(key, bytesOf(&shown, sizeof(shown)), wanted, kNowMs);
    return origin.ok() ? ErrorCode::kOk : origin.error().code();
  };
  EXPECT_EQ(codeOf(1, 0, kContainer), ErrorCode::kEvicted);
  EXPECT_EQ(codeOf(2, 0, kContainer), ErrorCode::kOk);
  EXPECT_EQ(codeOf(1, 0, kPool), ErrorCode::kOk) << "another container";
  EXPECT_EQ(codeOf(2, kMachine, kPool), ErrorCode::kEvicted);
  EXPECT_EQ(codeOf(3, kMachine, kPool), ErrorCode::kOk);
  EXPECT_EQ(codeOf(2, kMachine + 1, kPool), ErrorCode::kOk) << "another machine";
}

TEST(PoolKey, OfTwoKeysTheOneWithTheLaterVersionOrElseSerialIsNewer) {
  const PoolKey first{.version = 1, .serial = 5};
  const PoolKey evicted{.version = 1, .serial = 6};
  const PoolKey renewed{.version = 2, .serial = 0};
  EXPECT_TRUE(first.isOlderThan(evicted));
  EXPECT_TRUE(evicted.isOlderThan(renewed));
  EXPECT_FALSE(renewed.isOlderThan(evicted));
  EXPECT_FALSE(first.isOlderThan(first));
}

TEST(PoolKey, NothingAndGarbageAreRefused) {
  EXPECT_EQ(checkCapability(kKey, {}, request(0), kNowMs).error().code(), ErrorCode::kNoPerm);
  EXPECT_EQ(checkCapability(kKey, bytesOf("short"), request(0), kNowMs).error().code(),
            ErrorCode::kNoPerm);
}

}  // namespace
}  // namespace daos::engine
