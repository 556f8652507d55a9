// The way to one peer: frames go into the open message of a link, which leaves at the end of the
// reactor's turn.
//
// Invariant: a frame lies whole in one message, or is cut into fragments that follow one another.
// Invariant: frames leave in the order in which they were put.
#pragma once

#include <span>

#include "base/intrusive_list.h"
#include "codec/frame.h"
#include "rpc/transport.h"

namespace daos::rpc {

struct DirtyTag;
class Link;
using DirtyLinks = IntrusiveList<Link, DirtyTag>;

// What a frame consists of, behind its header.
struct FrameParts {
  Bytes descriptors;
  Bytes body;
  std::span<const Bytes> data;
};

class Link : public IntrusiveLink<DirtyTag> {
 public:
  // `dirty` is where the link puts itself when it has something to flush.
  Link(DirtyLinks& dirty, uint64_t& messageCount) : dirty_(&dirty), messageCount_(&messageCount) {}
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void open(Transport& transport, PeerId peer);
  // Drops what was not flushed.
  void close();
  bool isOpen() const { return transport_ != nullptr; }
  Transport* transport() const { return transport_; }
  PeerId peer() const { return peer_; }

  // Queues a frame; its lengths are set from `parts`, unless data is remote. Does nothing when
  // closed.
  void put(FrameHeader& header, const FrameParts& parts);
  // A frame of a header alone.
  void put(FrameHeader& header) { put(header, {}); }

  // Room for a frame of `size` bytes in the open message; null when it does not fit in any message
  // or the link is closed. Nothing else may be put before commit(), which must follow and may use
  // less.
  std::byte* reserve(size_t size);
  void commit(size_t size);
  // sealFrame, with the checksum that this way needs.
  void seal(std::byte* frame, FrameHeader& header) const {
    header.flags |= sealFlags_;
    sealFrame(frame, header);
  }

  // Hands the open message to the transport.
  void flush();

 private:
  size_t space() const { return message_->capacity - message_->size; }
  void ensureMessage();
  void putWhole(FrameHeader& header, const FrameParts& parts, size_t size);
  void putFragments(const FrameHeader& header, const FrameParts& parts, size_t size);

  DirtyLinks* dirty_;
  uint64_t* messageCount_;
  Transport* transport_ = nullptr;
  PeerId peer_;
  BufferRef message_;
  size_t messageSizeMax_ = 0;
  size_t messageSizeBest_ = 0;
  uint32_t sealFlags_ = 0;
};

}  // namespace daos::rpc
