#include "rpc/link.h"

#include <algorithm>

namespace daos::rpc {

// A fragment with a smaller slice than this is not worth its header: it goes into the next message.
static constexpr size_t kSliceSizeMin = 512;

void Link::open(Transport& transport, PeerId peer) {
  close();
  transport_ = &transport;
  peer_ = peer;
  messageSizeMax_ = transport.limits().messageSizeMax;
  const uint32_t best = transport.limits().messageSizeBest;
  messageSizeBest_ = best > 0 ? best : messageSizeMax_;
  sealFlags_ = transport.limits().keepsBytes ? 0 : uint32_t{kFrameDataCovered};
}

void Link::close() {
  unlink();
  message_.reset();
  transport_ = nullptr;
  peer_ = {};
}

void Link::ensureMessage() {
  if (message_) return;
  message_ = transport_->allocateFor(peer_);
  if (!isLinked()) dirty_->pushBack(*this);
}

void Link::flush() {
  unlink();
  if (!message_) return;
  ++*messageCount_;
  transport_->send(peer_, std::move(message_));
}

std::byte* Link::reserve(size_t size) {
  if (!transport_ || size > messageSizeMax_) return nullptr;
  ensureMessage();
  if (space() < size) {
    flush();
    ensureMessage();
  }
  return message_->data + message_->size;
}

void Link::commit(size_t size) {
  message_->size += static_cast<uint32_t>(size);
  if (message_->size >= messageSizeBest_) flush();
}

// Copies the bytes behind a frame's header, padding included, in slices of any size.
class PartsReader {
 public:
  explicit PartsReader(const FrameHeader& header, const FrameParts& parts) : parts_(parts) {
    header_ = bytesOf(&header, sizeof(header));
    stage_ = header_;
  }
  void skipHeader() { advance(sizeof(FrameHeader)); }
  // Copies the next `size` bytes to `to`.
  void copy(std::byte* to, size_t size) {
    while (size > 0) {
      if (stage_.empty()) nextStage();
      const size_t count = std::min(size, stage_.size());
      std::memcpy(to, stage_.data(), count);
      advance(count);
      to += count;
      size -= count;
    }
  }

 private:
  void advance(size_t count) {
    stage_ = stage_.subspan(count);
    position_ += count;
  }
  void nextStage() {
    static constexpr std::byte kZeros[kFrameAlignment] = {};
    while (stage_.empty()) {
      const size_t misfit = position_ % kFrameAlignment;
      const bool atBoundary = step_ == 2 || step_ >= 3 + parts_.data.size();
      if (atBoundary && misfit != 0) {
        stage_ = {kZeros, kFrameAlignment - misfit};
        return;
      }
      ++step_;
      if (step_ == 1) stage_ = parts_.descriptors;
      if (step_ == 2) stage_ = parts_.body;
      if (step_ >= 3 && step_ < 3 + parts_.data.size()) stage_ = parts_.data[step_ - 3];
    }
  }
  const FrameParts& parts_;
  Bytes header_;
  Bytes stage_;
  size_t step_ = 0;
  size_t position_ = 0;
};

void Link::put(FrameHeader& header, const FrameParts& parts) {
  if (!transport_) return;
  header.bodySize = static_cast<uint32_t>(parts.body.size());
  if (!(header.flags & kFrameDataRemote)) {
    size_t size = 0;
    for (const Bytes piece : parts.data) size += piece.size();
    header.dataSize = static_cast<uint32_t>(size);
  }
  const size_t size = frameSize(header);
  if (size <= messageSizeMax_) {
    putWhole(header, parts, size);
  } else {
    putFragments(header, parts, size);
  }
}

static std::byte* appendPadded(std::byte* to, Bytes bytes) {
  if (bytes.empty()) return to;
  const size_t padded = alignUp(bytes.size(), kFrameAlignment);
  storeAs(to + padded - kFrameAlignment, uint64_t{0});
  std::memcpy(to, bytes.data(), bytes.size());
  return to + padded;
}

void Link::putWhole(FrameHeader& header, const FrameParts& parts, size_t size) {
  std::byte* const frame = reserve(size);
  std::byte* to = appendPadded(frame + sizeof(FrameHeader), parts.descriptors);
  to = appendPadded(to, parts.body);
  if (to < frame + size) storeAs(frame + size - kFrameAlignment, uint64_t{0});
  for (const Bytes piece : parts.data) {
    if (piece.empty()) continue;
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
  seal(frame, header);
  commit(size);
}

void Link::putFragments(const FrameHeader& header, const FrameParts& parts, size_t size) {
  PartsReader reader(header, parts);
  FrameHeader fragment;
  fragment.kind = FrameKind::kFragment;
  fragment.opcode = header.opcode;
  fragment.flags = header.kind == FrameKind::kReply ? uint32_t{kFrameOfReply} : 0;
  fragment.session = header.session;
  fragment.requestId = header.requestId;
  fragment.bodySize = static_cast<uint32_t>(size);
  for (size_t offset = 0; offset < size;) {
    ensureMessage();
    if (space() < sizeof(FrameHeader) + std::min(kSliceSizeMin, size - offset)) {
      flush();
      ensureMessage();
    }
    const size_t sliceMax = alignDown(space() - sizeof(FrameHeader), kFrameAlignment);
    fragment.epoch = offset;
    fragment.dataSize = static_cast<uint32_t>(std::min(size - offset, sliceMax));
    std::byte* const frame = message_->data + message_->size;
    reader.copy(frame + sizeof(FrameHeader), fragment.dataSize);
    sealFrame(frame, fragment);
    commit(frameSize(fragment));
    offset += fragment.dataSize;
  }
}

}  // namespace daos::rpc
