// What callers of vos.h rely on, case by case; reference_model_test.cc covers the combinations.
#include <algorithm>
#include <set>

#include "base/generated/limits.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

using Lines = std::vector<std::string>;
const ObjectId kOid = hashedObject(1);
const ObjectId kNumbered = ObjectId::make({5, 1}, ObjectType::kMultiUint64, 1, 1);

std::string numberKey(uint64_t number) { return {reinterpret_cast<const char*>(&number), 8}; }

TEST_F(VosTest, ASingleValueIsReadAsOfAnEpoch) {
  EXPECT_EQ(put(kOid, "d", "a", 10, "ten"), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "d", "a", 30, "thirty"), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "d", "a", 20, "twenty"), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a", 9), "-");
  EXPECT_EQ(get(kOid, "d", "a", 10), "ten");
  EXPECT_EQ(get(kOid, "d", "a", 29), "twenty");
  EXPECT_EQ(get(kOid, "d", "a"), "thirty");
  EXPECT_EQ(get(kOid, "d", "b"), "-");
  EXPECT_EQ(get(kOid, "e", "a"), "-");
  EXPECT_EQ(get(hashedObject(2), "d", "a"), "-");
}

TEST_F(VosTest, AWriteOfTheSameStampReplaces) {
  put(kOid, "d", "a", 10, "one");
  const uint64_t before = pool_->space().arena.usedBytes;
  put(kOid, "d", "a", 10, "two");
  EXPECT_EQ(get(kOid, "d", "a"), "two");
  EXPECT_EQ(pool_->space().arena.usedBytes, before);
}

TEST_F(VosTest, ValuesOfAllSizesComeBack) {
  for (const size_t size : {1u, 63u, 64u, 1023u, 1024u, 1025u, 4096u, 70000u, 1048576u}) {
    const std::string value(size, static_cast<char>('a' + size % 26));
    EXPECT_EQ(put(kOid, "d" + std::to_string(size), "a", 10, value), ErrorCode::kOk);
    EXPECT_EQ(get(kOid, "d" + std::to_string(size), "a"), value);
  }
}

class VosLimitsTest : public VosTest {
 protected:
  void SetUp() override { create(160ull << 20); }
};

TEST_F(VosLimitsTest, TheLargestValueAndTheLongestKeysComeBack) {
  std::string value(kSingleValueSizeMax, '\0');
  for (size_t i = 0; i < value.size(); i += 997) value[i] = static_cast<char>('a' + i % 26);
  ASSERT_EQ(put(kOid, "large", "a", 10, value), ErrorCode::kOk);
  EXPECT_TRUE(get(kOid, "large", "a") == value);
  EXPECT_NE(put(kOid, "larger", "a", 10, value + "x"), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "larger", "a"), "-");
  result_.release();
  const ObjectId lexical = ObjectId::make({1, 7}, ObjectType::kMultiLexical, 1, 1);
  const std::string longest(kKeySizeMax, 'k');
  for (const ObjectId oid : {kOid, lexical}) {
    // Alike but for their last bytes, and so many that the tree has nodes of nodes.
    for (int i = 0; i < 40; ++i) {
      const std::string dkey = longest.substr(0, kKeySizeMax - 2) + std::to_string(10 + i);
      ASSERT_EQ(put(oid, dkey, longest, 10, std::to_string(i)), ErrorCode::kOk);
    }
    EXPECT_NE(put(oid, longest + "k", "a", 10, "v"), ErrorCode::kOk);
    EXPECT_NE(put(oid, "d", longest + "k", 10, "v"), ErrorCode::kOk);
  }
  reopen();
  EXPECT_TRUE(get(kOid, "large", "a") == value);
  for (const ObjectId oid : {kOid, lexical}) {
    for (int i = 0; i < 40; ++i) {
      const std::string dkey = longest.substr(0, kKeySizeMax - 2) + std::to_string(10 + i);
      EXPECT_EQ(get(oid, dkey, longest), std::to_string(i));
    }
  }
}

TEST_F(VosLimitsTest, RecordsOfAMebibyteComeBackFromASparseArray) {
  std::string records(2 * kRecordSizeMax, '\0');
  for (size_t i = 0; i < records.size(); i += 997) records[i] = static_cast<char>('a' + i % 26);
  const Extent extents[] = {{3, 1}, {uint64_t{1} << 62, 1}};
  IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, kRecordSizeMax, extents, 0};
  UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {}, {}};
  request.write.epoch = 10;
  const Bytes data = bytesOf(records);
  ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  EXPECT_TRUE(fetchText(kOid, "d", descriptor, kEpochMax) == records);
  descriptor.recordSize = kRecordSizeMax + 1;
  descriptor.akey = bytesOf("larger");
  const std::string larger(2 * descriptor.recordSize, 'x');
  const Bytes more = bytesOf(larger);
  EXPECT_EQ(container_->update(request, {&more, 1}).code(), ErrorCode::kRec2big);
}

TEST_F(VosTest, SizesAreToldToWhoDoesNotKnowThem) {
  put(kOid, "d", "s", 10, std::string(777, 's'));
  write(kOid, "d", "x", 10, 5, "abc");
  const Extent all{0, 100};
  const Extent hole{50, 9};
  const IoDescriptor descriptors[] = {{bytesOf("s"), ValueType::kSingle, 0, {}, 0},
                                      {bytesOf("x"), ValueType::kArray, 0, {&all, 1}, 0},
                                      {bytesOf("x"), ValueType::kArray, 0, {&hole, 1}, 0},
                                      {bytesOf("none"), ValueType::kSingle, 0, {}, 0}};
  FetchRequest request{kOid, bytesOf("d"), descriptors, {}, true};
  for (const Epoch epoch : {Epoch{10}, Epoch{9}}) {
    request.read.epoch = epoch;
    ASSERT_TRUE(container_->fetch(request, result_).ok());
    std::vector<uint64_t> sizes;
    for (const FetchedValue& value : result_.values()) {
      sizes.push_back(value.recordSize);
      if (value.recordSize != 0) EXPECT_EQ(value.segmentCount, 0u);
    }
    EXPECT_EQ(sizes, (epoch == 10 ? std::vector<uint64_t>{777, 1, 0, 0}
                                  : std::vector<uint64_t>{0, 0, 0, 0}));
    result_.release();
  }
}

TEST_F(VosTest, EachAkeyHasItsOwnCondition) {
  put(kOid, "d", "old", 10, "v");
  const auto write = [&](Conditions ofOld, Conditions ofNew, Epoch epoch) {
    const IoDescriptor descriptors[] = {{bytesOf("old"), ValueType::kSingle, 1, {}, ofOld},
                                        {bytesOf("new"), ValueType::kSingle, 1, {}, ofNew}};
    UpdateRequest request{kOid, bytesOf("d"), descriptors, {}, {}};
    request.write = {epoch, 0, {}, kPerAkey};
    const Bytes data[] = {bytesOf("1"), bytesOf("2")};
    return container_->update(request, data).code();
  };
  EXPECT_EQ(write(kAkeyInsert, kAkeyInsert, 20), ErrorCode::kExist);
  EXPECT_EQ(write(kAkeyUpdate, kAkeyUpdate, 20), ErrorCode::kNonexist);
  EXPECT_EQ(get(kOid, "d", "old"), "v");
  EXPECT_EQ(write(kAkeyUpdate, kAkeyInsert, 20), ErrorCode::kOk);
  EXPECT_EQ(write(kAkeyUpdate, kAkeyInsert, 30), ErrorCode::kExist);
  EXPECT_EQ(write(kAkeyUpdate, 0, 30), ErrorCode::kOk);
}

TEST_F(VosTest, APunchHidesAndARewriteIsAFreshIncarnation) {
  put(kOid, "d", "a", 10, "old");
  put(kOid, "d", "b", 10, "other");
  EXPECT_EQ(punch(kOid, 20, "d"), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a"), "-");
  EXPECT_EQ(get(kOid, "d", "a", 19), "old");
  put(kOid, "d", "a", 30, "new");
  EXPECT_EQ(get(kOid, "d", "a"), "new");
  EXPECT_EQ(get(kOid, "d", "b"), "-");
  EXPECT_EQ(get(kOid, "d", "a", 25), "-");
}

TEST_F(VosTest, APunchThatArrivesLateHidesOnlyWhatIsBeforeIt) {
  put(kOid, "d", "a", 10, "ten");
  put(kOid, "d", "a", 30, "thirty");
  punch(kOid, 20);
  EXPECT_EQ(get(kOid, "d", "a", 25), "-");
  EXPECT_EQ(get(kOid, "d", "a", 30), "thirty");
  punch(kOid, 5, "d", "never");
  put(kOid, "d", "never", 3, "hidden");
  EXPECT_EQ(get(kOid, "d", "never"), "-");
  EXPECT_EQ(get(kOid, "d", "never", 4), "hidden");
}

TEST_F(VosTest, ArraysKeepHolesApartFromData) {
  write(kOid, "d", "x", 10, 100, "abcdef");
  EXPECT_EQ(read(kOid, "d", "x", {98, 10}), "..abcdef..");
  write(kOid, "d", "x", 20, 102, "XY");
  EXPECT_EQ(read(kOid, "d", "x", {100, 6}), "abXYef");
  EXPECT_EQ(read(kOid, "d", "x", {100, 6}, 15), "abcdef");
  punchExtent(kOid, "d", "x", 30, {101, 2});
  EXPECT_EQ(read(kOid, "d", "x", {100, 6}), "a..Yef");
  write(kOid, "d", "x", 40, 0, "12");
  EXPECT_EQ(read(kOid, "d", "x", {0, 3}), "12.");
}

TEST_F(VosTest, WritesOfOtherLengthsAndManyVersionsOverlap) {
  std::string expected(600, '.');
  for (uint64_t i = 0; i < 400; ++i) {
    const uint64_t index = i * 37 % 500;
    const std::string bytes(1 + i * 7 % 90, static_cast<char>('a' + i % 26));
    ASSERT_EQ(write(kOid, "d", "x", 10 + i, index, bytes), ErrorCode::kOk);
    expected.replace(index, bytes.size(), bytes);
  }
  EXPECT_EQ(read(kOid, "d", "x", {0, 600}), expected);
}

TEST_F(VosTest, AnArrayKeepsItsRecordSize) {
  write(kOid, "d", "x", 10, 0, "abc");
  const Extent extent{0, 1};
  IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, 8, {&extent, 1}, 0};
  UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {}, {}};
  request.write.epoch = 20;
  const Bytes data = bytesOf("12345678");
  EXPECT_EQ(container_->update(request, {&data, 1}).code(), ErrorCode::kRecSize);
  EXPECT_EQ(put(kOid, "d", "x", 20, "single"), ErrorCode::kInval);
  EXPECT_EQ(fetchText(kOid, "d", descriptor, kEpochMax), "DER_REC_SIZE");
}

TEST_F(VosTest, ConditionsAreJudgedAtTheEpoch) {
  EXPECT_EQ(put(kOid, "d", "a", 10, "v", kDkeyUpdate), ErrorCode::kNonexist);
  EXPECT_EQ(put(kOid, "d", "a", 10, "v", kDkeyInsert | kAkeyInsert), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "d", "a", 20, "v", kDkeyInsert), ErrorCode::kExist);
  EXPECT_EQ(put(kOid, "d", "a", 5, "early", kAkeyInsert), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "d", "b", 20, "v", kAkeyUpdate), ErrorCode::kNonexist);
  EXPECT_EQ(punch(kOid, 30, "d", "b", kAkeyPunch), ErrorCode::kNonexist);
  EXPECT_EQ(punch(kOid, 30, "d", "a", kAkeyPunch), ErrorCode::kOk);
  EXPECT_EQ(punch(kOid, 40, "d", "", kDkeyPunch), ErrorCode::kNonexist);
  EXPECT_EQ(put(kOid, "d", "a", 40, "again", kDkeyInsert), ErrorCode::kOk);
}

TEST_F(VosTest, ConditionsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(put(kOid, "d", "a", 10, "x", kDkeyInsert | kDkeyUpdate), ErrorCode::kInval);
  EXPECT_EQ(put(kOid, "d", "a", 10, "x", kAkeyInsert | kAkeyUpdate), ErrorCode::kInval);
  EXPECT_EQ(punch(kOid, 10, "d", "a", kAkeyInsert | kAkeyPunch), ErrorCode::kInval);
  EXPECT_EQ(put(kOid, "d", "a", 10, "x", kDkeyInsert | kAkeyInsert), ErrorCode::kOk);
}

TEST_F(VosTest, AFetchOfMoreBytesThanCanBeCountedIsRefused) {
  const Extent one{5, 1};
  const uint64_t record = 1;
  IoDescriptor eightBytes{bytesOf("a"), ValueType::kArray, 8, {&one, 1}, 0};
  UpdateRequest request{kOid, bytesOf("d"), {&eightBytes, 1}, {}, {}};
  request.write.epoch = 10;
  const Bytes data = bytesOf(&record, sizeof record);
  ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  const Extent huge{0, uint64_t{1} << 62};
  EXPECT_EQ(fetchText(kOid, "d", {bytesOf("a"), ValueType::kArray, 0, {&huge, 1}, 0}, 10),
            "DER_OVERFLOW");
  const Extent beside{6, uint64_t{1} << 62};
  EXPECT_EQ(fetchText(kOid, "d", {bytesOf("a"), ValueType::kArray, 0, {&beside, 1}, 0}, 10), "-");
}

TEST_F(VosTest, NamesThatALevelDoesNotNeedAreIgnored) {
  put(kOid, "kept", "a", 10, "x");
  put(kOid, "gone", "a", 10, "x");
  punch(kOid, 11, "gone");
  punch(kOid, 12, "kept", "other");
  EnumerateRequest request{Level::kDkey, kOid, bytesOf("gone"), bytesOf("a"), {}};
  EXPECT_EQ(list(request), std::vector<std::string>{"kept"});
  request.level = Level::kAkey;
  request.dkey = bytesOf("kept");
  request.akey = bytesOf("other");
  EXPECT_EQ(list(request), std::vector<std::string>{"a"});
}

TEST_F(VosTest, AFailedUpdateChangesNothing) {
  put(kOid, "d", "a", 10, "v");
  const uint64_t before = pool_->space().arena.usedBytes;
  const IoDescriptor descriptors[] = {{bytesOf("n"), ValueType::kSingle, 3, {}, kAkeyInsert},
                                      {bytesOf("a"), ValueType::kSingle, 3, {}, kAkeyInsert}};
  UpdateRequest request{kOid, bytesOf("d"), descriptors, {}, {}};
  request.write = {20, 0, {}, kPerAkey};
  const Bytes data[] = {bytesOf("abc"), bytesOf("def")};
  EXPECT_EQ(container_->update(request, data).code(), ErrorCode::kExist);
  EXPECT_EQ(get(kOid, "d", "n"), "-");
  EXPECT_EQ(pool_->space().arena.usedBytes, before);
}

TEST_F(VosTest, BuffersOfAPendingUpdateAreFilledBeforeItIsVisible) {
  const Extent extents[] = {{0, 5000}, {9000, 10}};
  const IoDescriptor descriptors[] = {{bytesOf("s"), ValueType::kSingle, 3, {}, 0},
                                      {bytesOf("x"), ValueType::kArray, 1, extents, 0}};
  UpdateRequest request{kOid, bytesOf("d"), descriptors, {}, {}};
  request.write.epoch = 10;
  const uint64_t before = pool_->space().arena.usedBytes;
  {
    auto dropped = container_->updateBegin(request);
    ASSERT_TRUE(dropped.ok());
  }
  EXPECT_EQ(pool_->space().arena.usedBytes, before);
  auto pending = container_->updateBegin(request);
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending->buffers().size(), 3u);
  char fill = 'p';
  for (const MutableBytes buffer : pending->buffers())
    std::memset(buffer.data(), fill++, buffer.size());
  EXPECT_EQ(get(kOid, "d", "s"), "-");
  ASSERT_TRUE(container_->updateEnd(*pending).ok());
  EXPECT_EQ(get(kOid, "d", "s"), "ppp");
  EXPECT_EQ(read(kOid, "d", "x", {4998, 3}), "qq.");
  EXPECT_EQ(read(kOid, "d", "x", {9009, 2}), "r.");
}

TEST_F(VosTest, EnumerationResumesFromItsAnchor) {
  std::set<std::string> dkeys;
  for (int i = 0; i < 500; ++i) {
    const std::string dkey = std::string(static_cast<size_t>(1 + i % 150), 'k') + std::to_string(i);
    dkeys.insert(dkey);
    put(kOid, dkey, "a", 10, "v");
  }
  punch(kOid, 20, *dkeys.begin());
  for (const size_t pageSize : {1u, 7u, 1000u}) {
    Lines lines = list({Level::kDkey, kOid, {}, {}, {}}, pageSize);
    EXPECT_EQ(lines.size(), 499u);
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).count(*dkeys.begin()), 0u);
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 499u);
  }
  EXPECT_EQ(list({Level::kDkey, kOid, {}, {}, {0, 15}}).size(), 500u);
}

TEST_F(VosTest, LexicalAndIntegerKeysAreListedInOrder) {
  const ObjectId lexical = ObjectId::make({9, 1}, ObjectType::kDkeyLexical, 1, 1);
  Lines expected;
  for (int i = 0; i < 300; ++i)
    expected.push_back("directory/file" + std::to_string(i * 7919 % 1000));
  for (const std::string& dkey : expected) put(lexical, dkey, "a", 10, "v");
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  EXPECT_EQ(list({Level::kDkey, lexical, {}, {}, {}}, 13), expected);
  for (uint64_t i : {300u, 2u, 77u, 1000000u}) put(kNumbered, numberKey(i), numberKey(1), 10, "v");
  EXPECT_EQ(list({Level::kDkey, kNumbered, {}, {}, {}}, 2),
            (Lines{numberKey(2), numberKey(77), numberKey(300), numberKey(1000000)}));
  EXPECT_EQ(put(kNumbered, "short", numberKey(1), 10, "v"), ErrorCode::kInval);
}

TEST_F(VosTest, ObjectsAndVersionsAreListed) {
  for (uint64_t i = 1; i <= 40; ++i) put(hashedObject(i), "d", "a", 10, "v");
  punch(hashedObject(3), 20);
  EXPECT_EQ(list({}, 9).size(), 39u);
  EnumerateRequest all;
  all.versions = Versions::kAll;
  EXPECT_EQ(list(all).size(), 40u);
  put(kOid, "d", "a", 30, "longer");
  EnumerateRequest single{Level::kSingle, kOid, bytesOf("d"), bytesOf("a"), {}};
  EXPECT_EQ(list(single), (Lines{"6@30"}));
  single.versions = Versions::kAll;
  EXPECT_EQ(list(single, 1), (Lines{"1@10", "6@30"}));
  EXPECT_EQ(list({Level::kPunch, hashedObject(3), {}, {}, {}}), (Lines{"punch@20"}));
}

TEST_F(VosTest, ExtentsAreListedBothWays) {
  write(kOid, "d", "x", 10, 0, "aaaaaaaaaa");
  write(kOid, "d", "x", 20, 4, "bb");
  write(kOid, "d", "x", 30, 20, "cc");
  punchExtent(kOid, "d", "x", 40, {8, 5});
  EnumerateRequest request{Level::kExtent, kOid, bytesOf("d"), bytesOf("x"), {}};
  const Lines expected{"0+4@10", "4+2@20", "6+2@10", "20+2@30"};
  for (const size_t pageSize : {1u, 2u, 9u}) {
    request.isReverse = false;
    EXPECT_EQ(list(request, pageSize), expected);
    request.isReverse = true;
    EXPECT_EQ(list(request, pageSize), Lines(expected.rbegin(), expected.rend()));
  }
  request.isReverse = false;
  request.versions = Versions::kAll;
  EXPECT_EQ(list(request, 1), (Lines{"0+10@10", "4+2@20", "8+5!@40", "20+2@30"}));
}

TEST_F(VosTest, QueriesFindTheGreatestAndLeast) {
  for (uint64_t d : {3u, 9u, 5u}) {
    const Extent extent{d * 10, 5};
    const std::string akey = numberKey(d + 1);
    IoDescriptor descriptor{bytesOf(akey), ValueType::kArray, 2, {&extent, 1}, 0};
    const std::string dkey = numberKey(d);
    UpdateRequest request{kNumbered, bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = 10;
    const Bytes data = bytesOf("0123456789");
    ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  }
  const auto ask = [&](QueryWhat what, Epoch epoch) {
    QueryRequest request{kNumbered, what, {}, {}, {}};
    request.read.epoch = epoch;
    return container_->query(request);
  };
  EXPECT_EQ(loadAs<uint64_t>(ask(QueryWhat::kMaxDkey, 10)->dkey.data()), 9u);
  EXPECT_EQ(loadAs<uint64_t>(ask(QueryWhat::kMinDkey, 10)->dkey.data()), 3u);
  EXPECT_EQ(ask(QueryWhat::kMaxExtent, 10)->extent, (Extent{90, 5}));
  EXPECT_EQ(ask(QueryWhat::kMinExtent, 10)->extent, (Extent{30, 5}));
  punch(kNumbered, 20, numberKey(9));
  EXPECT_EQ(loadAs<uint64_t>(ask(QueryWhat::kMaxDkey, 20)->dkey.data()), 5u);
  EXPECT_EQ(ask(QueryWhat::kMaxDkey, 9).code(), ErrorCode::kNonexist);
}

TEST_F(VosTest, ChecksumsComeBackWithTheChunksTheyCover) {
  const std::string data(10000, 'z');
  const Extent extent{0, data.size()};
  IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
  const std::string sums = "aaaabbbbcccc";
  const Checksums checksums{1, 4, 4096, bytesOf(sums)};
  UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {&checksums, 1}, {}};
  request.write.epoch = 10;
  const Bytes range = bytesOf(data);
  ASSERT_TRUE(container_->update(request, {&range, 1}).ok());
  const Extent part{5000, 4000};
  descriptor.extents = {&part, 1};
  FetchRequest fetch{kOid, bytesOf("d"), {&descriptor, 1}, {}, false};
  ASSERT_TRUE(container_->fetch(fetch, result_).ok());
  const Segment& segment = result_.segments(result_.values()[0])[0];
  EXPECT_EQ(textOf(segment.checksums), "bbbbcccc");
  EXPECT_EQ(segment.chunkSkip, 5000u - 4096u);
  EXPECT_EQ(segment.chunkTail, 1000u);
  result_.release();
}

TEST_F(VosTest, EverythingIsThereAfterReopening) {
  for (int i = 0; i < 2000; ++i) put(kOid, "d" + std::to_string(i), "a", 10, std::to_string(i));
  write(kOid, "array", "x", 10, 5, "hello");
  const uint64_t used = pool_->space().arena.usedBytes;
  const ContainerUsage usage = container_->usage();
  reopen();
  EXPECT_EQ(pool_->space().arena.usedBytes, used);
  EXPECT_EQ(container_->usage().arenaBytes, usage.arenaBytes);
  for (int i = 0; i < 2000; ++i)
    EXPECT_EQ(get(kOid, "d" + std::to_string(i), "a"), std::to_string(i));
  EXPECT_EQ(read(kOid, "array", "x", {5, 5}), "hello");
  EXPECT_GE(pool_->epochMax(), 10u);
}

TEST_F(VosTest, TheEpochsWrittenAreKnownAfterReopeningThoughALaterWriteWasRefused) {
  IoDescriptor descriptor;
  descriptor.akey = bytesOf("a");
  descriptor.recordSize = 1;
  UpdateRequest refused;
  refused.oid = kOid;
  refused.dkey = bytesOf("d");
  refused.descriptors = {&descriptor, 1};
  refused.write = {Epoch{1} << 40, 0, {}, kDkeyUpdate};
  const Bytes data = bytesOf("x");
  EXPECT_EQ(container_->update(refused, {&data, 1}).code(), ErrorCode::kNonexist);
  put(kOid, "d", "a", Epoch{1} << 39, "x");
  reopen();
  EXPECT_GE(pool_->epochMax(), Epoch{1} << 39);
}

TEST_F(VosTest, AFullStoreRefusesAndKeepsWhatItHas) {
  const std::string value(3000, 'f');
  int stored = 0;
  while (put(kOid, "d" + std::to_string(stored), "a", 10, value) == ErrorCode::kOk) ++stored;
  EXPECT_EQ(put(kOid, "d" + std::to_string(stored), "a", 10, value), ErrorCode::kNospace);
  EXPECT_GT(stored, 1000);
  for (int i = 0; i < stored; i += 97) EXPECT_EQ(get(kOid, "d" + std::to_string(i), "a"), value);
  EXPECT_EQ(get(kOid, "d" + std::to_string(stored), "a"), "-");
  EXPECT_EQ(list({Level::kDkey, kOid, {}, {}, {}}).size(), static_cast<size_t>(stored));
}

TEST_F(VosTest, DestroyingAContainerGivesItsSpaceBack) {
  const Uuid other = Uuid::fromRandom(3, 4);
  const uint64_t empty = pool_->space().arena.usedBytes;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(pool_->createContainer(other).ok());
    Container* mine = container_;
    container_ = *pool_->openContainer(other);
    for (int i = 0; i < 300; ++i) {
      put(hashedObject(static_cast<uint64_t>(i)), "d", "a", 10, std::string(2000, 'x'));
      write(kOid, "d" + std::to_string(i), "x", 10 + static_cast<Epoch>(i),
            static_cast<uint64_t>(i), "abc");
      write(kOid, "d", "x", 10 + static_cast<Epoch>(i), 5, "abc");
      punch(kOid, 11, "d" + std::to_string(i));
    }
    EXPECT_EQ(pool_->destroyContainer(other).code(), ErrorCode::kBusy);
    pool_->closeContainer(container_);
    container_ = mine;
    ASSERT_TRUE(pool_->destroyContainer(other).ok());
    EXPECT_EQ(pool_->listContainers().size(), 1u);
    while (true) {
      const auto more = pool_->collectStep(100);
      ASSERT_TRUE(more.ok()) << more.error().describe();
      if (!*more) break;
    }
    EXPECT_EQ(pool_->space().arena.usedBytes, empty);
  }
}

TEST_F(VosTest, ForeignAndBusyStoresAreRefused) {
  EXPECT_EQ(PmemArena::open(directory_.file("arena")).code(), ErrorCode::kBusy);
  EXPECT_EQ(PmemArena::open(directory_.file("none")).code(), ErrorCode::kNonexist);
  EXPECT_EQ(PmemArena::create(directory_.file("arena"), kSize).code(), ErrorCode::kExist);
  pool_->closeContainer(container_);
  pool_.reset();
  auto arena = PmemArena::open(directory_.file("arena"));
  ASSERT_TRUE(arena.ok());
  PoolIdentity other = kIdentity;
  other.targetIndex = 3;
  EXPECT_EQ(Pool::open(std::move(*arena), nullptr, other, {}).code(), ErrorCode::kMismatch);
}

}  // namespace
}  // namespace daos::vos
