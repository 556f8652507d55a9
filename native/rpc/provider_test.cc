// Goal: the configuration's word decides the provider, and where that isn't there, or is none, the
//       error says which one and for what address. (Verbs itself wants a device.)
#include <gtest/gtest.h>

#include "rpc/fabric_transport.h"

namespace daos::rpc {
namespace {

Result<std::unique_ptr<Transport>> open(const std::string& provider, const std::string& address) {
  static const SystemClock clock;
  static SystemRandom random;
  return createFabricTransport(clock, random, {.provider = provider, .address = address});
}

TEST(Provider, ThatDoesNotExistIsRefusedWithThoseThatDo) {
  const auto refused = open("udp", "127.0.0.1");
  ASSERT_EQ(refused.code(), ErrorCode::kInval);
  EXPECT_EQ(refused.error().message(), "no provider 'udp'; there are tcp, shm and verbs");
}

TEST(Provider, VerbsListensOnADeviceOrSaysThatThereIsNone) {
  const auto opened = open("verbs", "127.0.0.1");
  if (opened.ok()) {
    EXPECT_TRUE((*opened)->address().starts_with("verbs://127.0.0.1:")) << (*opened)->address();
    return;
  }
  EXPECT_EQ(opened.code(), ErrorCode::kNosys);
  EXPECT_NE(opened.error().message().find("verbs at 127.0.0.1: "), std::string::npos)
      << opened.error().describe();
}

TEST(Provider, AnAddressOfNoInterfaceIsNamedWithItsProvider) {
  const auto refused = open("tcp", "192.0.2.1");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("tcp at 192.0.2.1: "), std::string::npos)
      << refused.error().describe();
}

}  // namespace
}  // namespace daos::rpc
