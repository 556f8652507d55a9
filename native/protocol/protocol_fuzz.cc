// Bodies of requests, and the pool map of an answer, as a hostile peer might send them. The first
// byte picks which.
//
// Goal: a decoder never reads outside of the body, and what it accepts survives being encoded and
// decoded again. Reading every byte of every view lets the address sanitizer see a wrong one.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "protocol/io.h"
#include "protocol/keys.h"
#include "protocol/pool_map.h"

namespace daos::protocol {
namespace {

volatile uint8_t sink;

void readAll(Bytes bytes) {
  uint8_t sum = 0;
  for (const std::byte each : bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(each));
  sink = sum;
}

void tryIo(Bytes body) {
  DecodedIo io;
  if (!io.decode(body).ok()) return;
  readAll(io.dkey());
  for (const IoDescriptor& akey : io.akeys()) readAll(akey.akey);
  for (const AkeyChecksums& checksums : io.checksums()) readAll(checksums.values);
  std::vector<std::byte> again;
  WireWriter writer(again);
  encode(writer, {io.head(), io.dkey(), io.akeys(), io.checksums()});
  DecodedIo decoded;
  DAOS_ASSERT(decoded.decode(again).ok());
  DAOS_ASSERT(decoded.akeys().size() == io.akeys().size());
}

void tryPunch(Bytes body) {
  const Result<PunchCall> call = decodePunch(body);
  if (!call.ok()) return;
  readAll(call->dkey);
  for (const Bytes akey : call->akeys) readAll(akey);
  std::vector<std::byte> again;
  WireWriter writer(again);
  encode(writer, *call);
  DAOS_ASSERT(decodePunch(again).ok());
}

template <typename Call>
void tryKeys(const Result<Call>& call, Result<Call> (*decode)(Bytes)) {
  if (!call.ok()) return;
  readAll(call->dkey);
  readAll(call->akey);
  std::vector<std::byte> again;
  WireWriter writer(again);
  encode(writer, *call);
  DAOS_ASSERT(decode(again).ok());
}

void tryPoolMap(Bytes body) {
  const Result<placement::PoolMap> map = decodePoolMap(body);
  if (!map.ok()) return;
  const auto again = decodePoolMap(encodePoolMap(*map));
  DAOS_ASSERT(again.ok());
  DAOS_ASSERT(again->targets.size() == map->targets.size());
}

}  // namespace
}  // namespace daos::protocol

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace daos::protocol;
  if (size == 0) return 0;
  // A copy of exactly this size, aligned as messages are: memory from the heap is.
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> body(begin + 1, begin + size);
  switch (data[0] % 5) {
    case 0:
      tryIo(body);
      break;
    case 1:
      tryPunch(body);
      break;
    case 2:
      tryKeys(decodeEnumerate(body), decodeEnumerate);
      break;
    case 3:
      tryPoolMap(body);
      break;
    default:
      tryKeys(decodeQuery(body), decodeQuery);
  }
  return 0;
}
