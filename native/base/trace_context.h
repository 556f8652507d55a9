// Which span of a distributed trace something belongs to: the ids of W3C's trace context. Whoever
// has one has sampled the trace; where nobody samples there is none.
//
// Format: docs/format/frame.md, behind the body of a traced request.
#pragma once

#include <array>
#include <cstddef>

namespace daos {

struct TraceContext {
  std::array<std::byte, 16> trace{};
  std::array<std::byte, 8> span{};
};
static_assert(sizeof(TraceContext) == 24);

}  // namespace daos
