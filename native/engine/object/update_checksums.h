// The checksums that came with an update: whether they fit its data, and whether the data fits
// them.
#pragma once

#include <span>

#include "base/bytes.h"
#include "protocol/io.h"
#include "vos/requests.h"

namespace daos::engine {

// One checksum for each chunk of each extent, chunks being whole records. DER_INVAL.
Result<vos::Checksums> checkedGeometry(const IoDescriptor& akey,
                                       const protocol::AkeyChecksums& from);

// When the request asks for it (kVerify): DER_CSUM for data that isn't what its checksums were made
// of; nothing has been stored then. The geometry has been checked.
Status verifyInline(const protocol::DecodedIo& io, Bytes data);
// The same for data in the buffers of a PendingUpdate, one for each value and extent.
Status verifyPulled(const protocol::DecodedIo& io, std::span<const MutableBytes> buffers);

}  // namespace daos::engine
