// What a fetch answers to JavaScript, for objects of a client and of a store alike.
//
// One akey that needs no more words is a number: the size of its value, or of the records found (0:
// there is nothing). Else, per akey: u64 recordSize, u64 dataSize, boolean isWhole, u32 count, (u64
// index, u64 count)… of what is there.
#pragma once

#include <span>

#include "client/object.h"
#include "node/call.h"

namespace daos::node {

void answerFetch(std::span<const IoDescriptor> akeys, std::span<const client::AkeyResult> results,
                 Request& request);

}  // namespace daos::node
