#include "rpc/assembly.h"

namespace daos::rpc {

BufferRef AssemblyMemory::allocate(size_t size) {
  if (size > sizeMax_ - used_) return {};
  used_ += size;
  return size <= kSmallSize ? pool_.allocate() : BufferPool::allocateAlone(size);
}

void Assembly::forget() {
  if (!buffer_) return;
  memory_.giveBack(sizeTotal_);
  buffer_.reset();
}

BufferRef Assembly::add(const FrameView& fragment) {
  const FrameHeader& header = fragment.header;
  code_ = ErrorCode::kOk;
  if (header.epoch == 0) {
    forget();
    buffer_ = memory_.allocate(header.bodySize);
    if (!buffer_) code_ = ErrorCode::kNomem;
    requestId_ = header.requestId;
    sizeTotal_ = header.bodySize;
    sizeDone_ = 0;
  }
  if (!buffer_) return {};
  if (header.requestId != requestId_ || header.epoch != sizeDone_ ||
      header.bodySize != sizeTotal_) {
    forget();
    return {};
  }
  std::memcpy(buffer_->data + sizeDone_, fragment.data.data(), fragment.data.size());
  sizeDone_ += fragment.data.size();
  if (sizeDone_ < sizeTotal_) return {};
  buffer_->size = static_cast<uint32_t>(sizeTotal_);
  memory_.giveBack(sizeTotal_);
  return std::move(buffer_);
}

ErrorCode parseAssembled(Bytes bytes, FrameView& frame) {
  const ErrorCode code = parseFrameUnsealed(bytes, frame);
  if (code != ErrorCode::kOk) return code;
  const bool isFragmentable =
      frame.header.kind == FrameKind::kRequest || frame.header.kind == FrameKind::kReply;
  return isFragmentable && frame.size == bytes.size() ? ErrorCode::kOk : ErrorCode::kProto;
}

}  // namespace daos::rpc
