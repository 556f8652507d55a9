// An object as one array of cells, spread over dkeys in chunks of equal size.
//
// Cell i lies under dkey i / chunkSize + 1 (an integer), akey "0", as record i % chunkSize. What
// spans several chunks is one operation each, several at a time: it is not atomic. Dkey 0 is left
// to metadata. The layout is that of DAOS's arrays.
//
// The size is one more than the last cell that exists; what was never written reads as a hole.
#pragma once

#include "client/object.h"

namespace daos::client {

struct ArrayShape {
  uint64_t cellSize = 1;         // bytes, the record size
  uint64_t chunkSize = 1 << 20;  // cells under one dkey
};

// A range of cells of an array, and the memory of the caller that it is read into or written from.
template <typename Memory>
struct ArrayTransfer {
  uint64_t index = 0;  // of the first cell
  Memory memory;       // whole cells
  Epoch epoch = 0;     // 0: now, or the newest
  uint64_t timeoutNs = 0;
};
using ArrayWrite = ArrayTransfer<Bytes>;
using ArrayRead = ArrayTransfer<MutableBytes>;

class Array {
 public:
  // DER_INVAL for an object without integer dkeys, or sizes of 0.
  // `cancellation`, if any, ends all operations through this Array.
  static Result<Array> open(std::shared_ptr<Object> object, ArrayShape shape,
                            Cancellation* cancellation = nullptr);
  // All operations through this Array belong to `trace`, which is borrowed; null: nobody traces.
  void traceAs(const TraceContext* trace) { trace_ = trace; }

  Object& object() const { return *object_; }
  const ArrayShape& shape() const { return shape_; }

  // Answers the latest epoch of the chunks' updates. DER_IO_INVAL unless in whole cells; with an
  // error some chunks may have been written.
  Task<Result<Epoch>> write(const ArrayWrite& transfer) const;
  // Answers how many cells there are before the end of the array. Holes read as zeros; memory
  // behind the end is left untouched.
  Task<Result<uint64_t>> read(const ArrayRead& transfer) const;
  // In cells. epoch 0: the newest.
  Task<Result<uint64_t>> size(Epoch epoch = 0) const;
  // Cuts off what is behind, or makes a hole up to there. The last cell then exists.
  Task<Status> setSize(uint64_t size) const;
  // Makes a hole; cells that end the array are gone from its size.
  Task<Status> punch(uint64_t index, uint64_t count) const;

 private:
  Array(std::shared_ptr<Object> object, ArrayShape shape, Cancellation* cancellation)
      : object_(std::move(object)), shape_(shape), cancellation_(cancellation) {}
  Task<Status> punchDkeysAfter(uint64_t dkey) const;
  Task<Result<bool>> hasCell(uint64_t index) const;

  std::shared_ptr<Object> object_;
  ArrayShape shape_;
  Cancellation* cancellation_;
  const TraceContext* trace_ = nullptr;
};

}  // namespace daos::client
