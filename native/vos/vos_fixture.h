// A store on tmpfs for tests, and short ways to write to and read from it.
#pragma once

#include <gtest/gtest.h>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "testing/leftovers.h"
#include "vos/pmem_arena.h"
#include "vos/vos.h"

namespace daos::vos {

// A directory of its own on tmpfs, where there is one. Gone at the end; if this process is killed,
// when the next one makes its own.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = std::filesystem::exists("/dev/shm")
                              ? nameInSharedMemory("daos_vos", ".XXXXXX")
                              : "/tmp/daos_vos.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline ObjectId hashedObject(uint64_t number) {
  return ObjectId::make({number, 7}, ObjectType::kMultiHashed, 1, 1);
}

class VosTest : public testing::Test {
 protected:
  static constexpr uint64_t kSize = 32ull << 20;
  static constexpr PoolIdentity kIdentity{};

  void SetUp() override { create(kSize); }
  void create(uint64_t size) {
    auto arena = PmemArena::create(directory_.file("arena"), size, {Flushing::kNone});
    ASSERT_TRUE(arena.ok()) << arena.error().describe();
    auto pool = Pool::create(std::move(*arena), nullptr, kIdentity, {});
    ASSERT_TRUE(pool.ok()) << pool.error().describe();
    pool_ = std::move(*pool);
    ASSERT_TRUE(pool_->createContainer(kUuid).ok());
    container_ = *pool_->openContainer(kUuid);
  }
  void reopen() {
    pool_->closeContainer(container_);
    pool_.reset();
    auto arena = PmemArena::open(directory_.file("arena"), {Flushing::kNone});
    ASSERT_TRUE(arena.ok()) << arena.error().describe();
    auto pool = Pool::open(std::move(*arena), nullptr, kIdentity, {});
    ASSERT_TRUE(pool.ok()) << pool.error().describe();
    pool_ = std::move(*pool);
    container_ = *pool_->openContainer(kUuid);
  }

  // Writes return the error code; reads the value, with "-" for nothing there.
  ErrorCode put(ObjectId oid, std::string_view dkey, std::string_view akey, Epoch epoch,
                std::string_view value, Conditions conditions = 0) {
    IoDescriptor descriptor{bytesOf(akey), ValueType::kSingle, value.size(), {}, 0};
    UpdateRequest request{oid, bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    request.write.conditions = conditions;
    const Bytes data = bytesOf(value);
    return container_->update(request, {&data, 1}).code();
  }
  std::string get(ObjectId oid, std::string_view dkey, std::string_view akey,
                  Epoch epoch = kEpochMax) {
    IoDescriptor descriptor{bytesOf(akey), ValueType::kSingle, 0, {}, 0};
    return fetchText(oid, dkey, descriptor, epoch);
  }
  // An array of bytes.
  ErrorCode write(ObjectId oid, std::string_view dkey, std::string_view akey, Epoch epoch,
                  uint64_t index, std::string_view bytes) {
    const Extent extent{index, bytes.size()};
    IoDescriptor descriptor{bytesOf(akey), ValueType::kArray, 1, {&extent, 1}, 0};
    UpdateRequest request{oid, bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    const Bytes data = bytesOf(bytes);
    return container_->update(request, {&data, 1}).code();
  }
  ErrorCode punchExtent(ObjectId oid, std::string_view dkey, std::string_view akey, Epoch epoch,
                        Extent extent) {
    IoDescriptor descriptor{bytesOf(akey), ValueType::kArray, 0, {&extent, 1}, 0};
    UpdateRequest request{oid, bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    const Bytes none;
    return container_->update(request, {&none, 1}).code();
  }
  // Holes read as dots.
  std::string read(ObjectId oid, std::string_view dkey, std::string_view akey, Extent extent,
                   Epoch epoch = kEpochMax) {
    IoDescriptor descriptor{bytesOf(akey), ValueType::kArray, 1, {&extent, 1}, 0};
    return fetchText(oid, dkey, descriptor, epoch);
  }
  ErrorCode punch(ObjectId oid, Epoch epoch, std::string_view dkey = {}, std::string_view akey = {},
                  Conditions conditions = 0) {
    const Bytes name = bytesOf(akey);
    PunchRequest request{oid, bytesOf(dkey), {}, {}};
    if (!akey.empty()) request.akeys = {&name, 1};
    request.write.epoch = epoch;
    request.write.conditions = conditions;
    return container_->punch(request).code();
  }
  std::string fetchText(ObjectId oid, std::string_view dkey, const IoDescriptor& descriptor,
                        Epoch epoch) {
    FetchRequest request{oid, bytesOf(dkey), {&descriptor, 1}, {}, false};
    request.read.epoch = epoch;
    const Status status = container_->fetch(request, result_);
    if (!status.ok()) return std::string(errorName(status.code()));
    const FetchedValue& value = result_.values()[0];
    if (value.size == 0) return "-";
    std::string text(value.size, '.');
    result_.copyTo(value, bytesOf(text.data(), text.size()));
    result_.release();
    return text;
  }

  // Everything an enumeration lists, `pageSize` entries a call, as text.
  std::vector<std::string> list(EnumerateRequest request, size_t pageSize = 1000) {
    struct Sink final : EntrySink {
      size_t left = 0;
      std::vector<std::string> lines;
      bool take(const Entry& entry) override {
        if (left == 0) return false;
        --left;
        lines.push_back(describe(entry));
        return true;
      }
    } sink;
    Anchor anchor;
    while (!anchor.isEnd) {
      sink.left = pageSize;
      const Status status = container_->enumerate(request, anchor, sink);
      if (!status.ok()) {
        sink.lines.push_back(status.error().describe());
        break;
      }
      Anchor copy;  // an anchor is nothing but its bytes
      copy.size = anchor.size;
      copy.isEnd = anchor.isEnd;
      copy.bytes = anchor.bytes;
      anchor = copy;
    }
    return sink.lines;
  }
  static std::string describe(const Entry& entry) {
    switch (entry.kind) {
      case EntryKind::kObject: return std::to_string(entry.oid.low);
      case EntryKind::kDkey:
      case EntryKind::kAkey: return std::string(textOf(entry.key));
      case EntryKind::kExtent:
        return std::to_string(entry.extent.index) + "+" + std::to_string(entry.extent.count) +
               (entry.isHole ? "!" : "") + "@" + std::to_string(entry.epoch);
      case EntryKind::kSingle:
        return std::to_string(entry.recordSize) + (entry.isHole ? "!" : "") + "@" +
               std::to_string(entry.epoch);
      case EntryKind::kPunch: return "punch@" + std::to_string(entry.epoch);
    }
    return "?";
  }

  static inline const Uuid kUuid = Uuid::fromRandom(1, 2);
  TestDirectory directory_;
  std::unique_ptr<Pool> pool_;
  Container* container_ = nullptr;
  FetchResult result_;
};

}  // namespace daos::vos
