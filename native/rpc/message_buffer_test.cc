#include <gtest/gtest.h>

#include "rpc/fabric_transport.h"
#include "rpc/local_transport.h"
#include "rpc/rpc.h"

namespace daos::rpc {
namespace {

TEST(RpcMessageBuffer, TheLastReferenceGivesTheBufferBack) {
  BufferPool pool(65536);
  BufferRef first = pool.allocate();
  const std::byte* data = first->data;
  BufferRef second = first;
  first.reset();
  EXPECT_EQ(pool.usedCount(), 1u);
  second.reset();
  EXPECT_EQ(pool.usedCount(), 0u);
  EXPECT_EQ(pool.allocate()->data, data);
}

TEST(RpcMessageBuffer, ADetachedBufferMovesToAnotherPool) {
  BufferPool source(4096), sink(4096);
  MessageBuffer* moved = BufferPool::detach(source.allocate());
  EXPECT_EQ(source.usedCount(), 0u);
  { BufferRef adopted = sink.attach(moved); }
  EXPECT_EQ(sink.usedCount(), 0u);
  EXPECT_EQ(sink.allocate().get(), moved);
}

TEST(RpcMessageBuffer, ABufferOutlivesItsPool) {
  BufferRef kept;
  {
    BufferPool pool(4096);
    kept = pool.allocate();
  }
  EXPECT_EQ(kept->pool, nullptr);
}

}  // namespace
}  // namespace daos::rpc
