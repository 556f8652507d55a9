// The drivers that are always there pass the tests of Media.
#include "bio/media_conformance.h"

namespace daos::bio {
namespace {

INSTANTIATE_TEST_SUITE_P(Drivers, BioMedia, testing::ValuesIn(testDrivers()),
                         [](const auto& driver) { return driver.param.name; });

}  // namespace
}  // namespace daos::bio
