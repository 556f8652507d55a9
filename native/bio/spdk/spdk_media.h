// One block device of SPDK as a Media.
//
// A turn of the reactor polls the device's queue; while requests are under way the loop does not
// sleep, since SPDK wakes nobody. Memory that could not be registered is copied through a buffer of
// SPDK's.
//
// Thread: the reactor's, from opening to destruction. Media of several reactors may have one
//         device.
#pragma once

#include <memory>
#include <string>

#include "bio/media.h"
#include "bio/spdk/spdk_environment.h"

namespace daos::bio {

// `device`: its name in the configuration. DER_NONEXIST; DER_BUSY: another has it; DER_INVAL:
// blocks larger than 4096 bytes, or with metadata.
Result<std::unique_ptr<Media>> openSpdkMedia(SpdkEnvironment& environment, Reactor& reactor,
                                             const std::string& device, MediaOptions options = {});

}  // namespace daos::bio
