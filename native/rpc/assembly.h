// Puts the fragments of one direction of a session together.
//
// A sender cuts one frame after the other, so there is at most one under way; one that has a gap is
// forgotten.
#pragma once

#include "codec/frame.h"
#include "rpc/message_buffer.h"

namespace daos::rpc {

// Memory for frames under assembly, over all sessions of an endpoint: small ones from a pool.
class AssemblyMemory {
 public:
  static constexpr size_t kSmallSize = 16384;
  explicit AssemblyMemory(size_t sizeMax) : pool_(kSmallSize, 256), sizeMax_(sizeMax) {}
  // Empty when `size` bytes more are over the limit.
  BufferRef allocate(size_t size);
  void giveBack(size_t size) { used_ -= size; }

 private:
  BufferPool pool_;
  const size_t sizeMax_;
  size_t used_ = 0;
};

class Assembly {
 public:
  explicit Assembly(AssemblyMemory& memory) : memory_(memory) {}
  ~Assembly() { forget(); }
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  // Takes a fragment in. The whole frame when this was its last; empty otherwise.
  BufferRef add(const FrameView& fragment);
  void forget();
  // DER_NOMEM when the last add() found no memory.
  ErrorCode code() const { return code_; }

 private:
  AssemblyMemory& memory_;
  BufferRef buffer_;
  uint64_t requestId_ = 0;
  size_t sizeTotal_ = 0;
  size_t sizeDone_ = 0;
  ErrorCode code_ = ErrorCode::kOk;
};

// Parses an assembled frame: as parseFrame, without its checksum, which the fragments had.
ErrorCode parseAssembled(Bytes bytes, FrameView& frame);

}  // namespace daos::rpc
