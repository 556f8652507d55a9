#include "codec/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/checksum.h"
#include "testing/golden_file.h"

namespace daos {
namespace {

std::vector<std::byte> makeFrame(FrameHeader header, std::string_view body, std::string_view data) {
  header.bodySize = static_cast<uint32_t>(body.size());
  header.dataSize = static_cast<uint32_t>(data.size());
  std::vector<std::byte> frame(frameSize(header));
  const size_t bodyAt =
      sizeof(FrameHeader) + (header.sourceCount + header.sinkCount) * sizeof(FrameDescriptor);
  std::memcpy(frame.data() + bodyAt, body.data(), body.size());
  if (!(header.flags & kFrameDataRemote)) {
    std::memcpy(frame.data() + bodyAt + alignUp(body.size(), 8), data.data(), data.size());
  }
  sealFrame(frame.data(), header);
  return frame;
}

FrameHeader sampleHeader() {
  FrameHeader header;
  header.opcode = 0x0102;
  header.flags = kFrameModification;
  header.session = 0x1122334455667788;
  header.requestId = 0x0000000700000003;
  header.epoch = 0x99aabbccddeeff00;
  header.mapVersion = 42;
  header.timeoutUs = 5000000;
  header.result = 4096;
  return header;
}

std::string toHex(Bytes bytes) {
  std::string text;
  char pair[3];
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(bytes[i]));
    text += pair;
    text += i % 32 == 31 || i + 1 == bytes.size() ? "\n" : "";
  }
  return text;
}

TEST(CodecFrame, WhatIsSealedIsParsed) {
  const auto bytes = makeFrame(sampleHeader(), "the body", "some data");
  FrameView frame;
  ASSERT_EQ(parseFrame(bytes, frame), ErrorCode::kOk);
  EXPECT_EQ(frame.size, bytes.size());
  EXPECT_EQ(frame.header.session, 0x1122334455667788u);
  EXPECT_EQ(textOf(frame.body), "the body");
  EXPECT_EQ(textOf(frame.data), "some data");
}

TEST(CodecFrame, VersionOneStaysReadable) {
  FrameHeader header = sampleHeader();
  header.sourceCount = 1;
  auto bytes = makeFrame(header, "key", "value");
  storeAs(bytes.data() + sizeof(FrameHeader), FrameDescriptor{1, 2, 3});
  header.bodySize = 3;
  header.dataSize = 5;
  sealFrame(bytes.data(), header);
  EXPECT_EQ(toHex(bytes), readGoldenFile("codec/golden/frame_v1.hex"));
}

TEST(CodecFrame, RemoteDataTakesNoSpaceInTheFrame) {
  FrameHeader header = sampleHeader();
  header.flags |= kFrameDataRemote;
  const auto bytes = makeFrame(header, "body", "a payload that stays in the client's memory");
  EXPECT_EQ(bytes.size(), sizeof(FrameHeader) + 8);
  FrameView frame;
  ASSERT_EQ(parseFrame(bytes, frame), ErrorCode::kOk);
  EXPECT_EQ(frame.header.dataSize, 43u);
  EXPECT_TRUE(frame.data.empty());
}

TEST(CodecFrame, AnyFlippedBitIsRefusedButOfDataThatIsNotCovered) {
  for (const uint32_t flags : {0u, uint32_t{kFrameDataCovered}}) {
    FrameHeader header = sampleHeader();
    header.flags |= flags;
    auto bytes = makeFrame(header, "body", "payload!");
    FrameView frame;
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      const bool isFree = flags == 0 && bit >= (bytes.size() - 8) * 8;
      EXPECT_EQ(parseFrame(bytes, frame) == ErrorCode::kOk, isFree) << flags << ", bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
  }
}

TEST(CodecFrame, ATruncatedFrameIsRefused) {
  const auto bytes = makeFrame(sampleHeader(), "body", "data");
  FrameView frame;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(parseFrame(Bytes(bytes).first(size), frame), ErrorCode::kProto);
  }
}

TEST(CodecFrame, LengthsOverTheLimitsAreRefusedBeforeTheyAreUsed) {
  FrameView frame;
  for (int which = 0; which < 4; ++which) {
    auto bytes = makeFrame(sampleHeader(), "body", "data");
    FrameHeader header = loadAs<FrameHeader>(bytes.data());
    if (which == 0) header.bodySize = 0xffffffff;
    if (which == 1) header.dataSize = 0xfffffff9;
    if (which == 2) header.sourceCount = header.sinkCount = 0xffff;
    if (which == 3) header.kind = FrameKind::kFragment, header.epoch = ~uint64_t{0};
    storeAs(bytes.data(), header);
    EXPECT_EQ(parseFrame(bytes, frame), ErrorCode::kProto) << which;
  }
}

TEST(CodecFrame, AFragmentNeverReachesBeyondItsWhole) {
  FrameHeader header = sampleHeader();
  header.kind = FrameKind::kFragment;
  header.bodySize = 100;
  header.epoch = 60;
  header.dataSize = 40;
  std::vector<std::byte> bytes(frameSize(header));
  sealFrame(bytes.data(), header);
  FrameView frame;
  ASSERT_EQ(parseFrame(bytes, frame), ErrorCode::kOk);
  EXPECT_EQ(frame.data.size(), 40u);
  header.epoch = 61;
  sealFrame(bytes.data(), header);
  EXPECT_EQ(parseFrame(bytes, frame), ErrorCode::kProto);
}

}  // namespace
}  // namespace daos
