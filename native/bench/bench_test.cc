#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/disk_rest.h"
#include "bench/latency_histogram.h"
#include "bench/measure.h"
#include "bench/report.h"

namespace daos::bench {
namespace {

TEST(BenchLatencyHistogram, PercentilesAreNeverUnderAndAtMostOneSixtyFourthOver) {
  for (const uint64_t scale : {1ull, 37ull, 1000ull, 123457ull}) {
    LatencyHistogram latencies;
    for (uint64_t i = 1; i <= 1000; ++i) latencies.record(i * scale);
    for (const double fraction : {0.0, 0.5, 0.9, 0.99, 1.0}) {
      const auto exact = (static_cast<uint64_t>(fraction * 999) + 1) * scale;
      EXPECT_GE(latencies.percentileNs(fraction), exact);
      EXPECT_LE(latencies.percentileNs(fraction), exact + exact / 64);
    }
  }
}

TEST(BenchLatencyHistogram, TheExtremesOfTimeFit) {
  LatencyHistogram latencies;
  EXPECT_EQ(latencies.percentileNs(0.5), 0u);
  latencies.record(0);
  EXPECT_EQ(latencies.percentileNs(1), 0u);
  latencies.record(~uint64_t{0});
  EXPECT_EQ(latencies.percentileNs(1), ~uint64_t{0});
  EXPECT_EQ(latencies.maxNs(), ~uint64_t{0});
}

TEST(BenchLatencyHistogram, MergingAddsUp) {
  LatencyHistogram a, b;
  a.record(10);
  b.record(20);
  b.record(30);
  a.merge(b);
  EXPECT_EQ(a.count(), 3u);
  EXPECT_EQ(a.percentileNs(0.5), 20u);
  EXPECT_EQ(a.percentileNs(1), 30u);
}

TEST(BenchMeasure, RatesFollowFromCountAndTime) {
  uint64_t calls = 0;
  const Measured measured = measure(0.01, [&] { ++calls; }, 8);
  EXPECT_EQ(measured.count, calls);
  EXPECT_GE(measured.seconds, 0.01);
  EXPECT_DOUBLE_EQ(measured.perSecond, static_cast<double>(calls) / measured.seconds);
  LatencyHistogram latencies;
  const Measured each = measureEach(0.01, latencies, [] {});
  EXPECT_EQ(each.count, latencies.count());
}

// What a report with these flags prints, and its exit code.
std::pair<std::string, int> print(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "bench");
  std::vector<char*> arguments;
  for (std::string& flag : flags) arguments.push_back(flag.data());
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  Report report(static_cast<int>(arguments.size()), arguments.data(), out);
  if (report.wants("a/one")) report.addRate("a/one/rate", 1234567, 2469134);
  if (report.wants("a/two")) report.add("a/two/size", 12.5, "bytes");
  const int exitCode = report.finish();
  std::fclose(out);
  std::string printed(text, size);
  std::free(text);
  return {printed, exitCode};
}

TEST(BenchReport, JsonHasNullsWhereThereIsNoReference) {
  const auto [text, exitCode] = print({"--json"});
  EXPECT_EQ(exitCode, 0);
  EXPECT_EQ(text,
            "{\"metrics\":[\n"
            "{\"name\":\"a/one/rate\",\"value\":1234567,\"unit\":\"ops/s\","
            "\"reference\":2469134,\"ratio\":0.5},\n"
            "{\"name\":\"a/two/size\",\"value\":12.5,\"unit\":\"bytes\","
            "\"reference\":null,\"ratio\":null}\n"
            "]}\n");
}

TEST(BenchReport, TheTableGroupsDigits) {
  const auto [text, exitCode] = print({});
  EXPECT_EQ(exitCode, 0);
  EXPECT_NE(text.find("1,234,567"), std::string::npos);
  EXPECT_NE(text.find("0.500"), std::string::npos);
  EXPECT_EQ(text.find("name "), 0u);
}

TEST(BenchReport, OnlyRunsAPartAndPrintsAPartOfIt) {
  EXPECT_EQ(print({"--json", "--only", "a/one/rate"}).first.find("a/two"), std::string::npos);
  EXPECT_NE(print({"--json", "--only", "a/one"}).first.find("a/one/rate"), std::string::npos);
  EXPECT_EQ(print({"--json", "--only", "b"}).second, 1);
}

TEST(BenchReport, AnUnknownFlagEndsTheProgramAndIsNamed) {
  EXPECT_EXIT(print({"--onyl", "a"}), testing::ExitedWithCode(2), "bad flag '--onyl'");
  EXPECT_EXIT(print({"--seconds", "x"}), testing::ExitedWithCode(2), "bad flag '--seconds'");
}

TEST(BenchDiskRest, CountsAreReadInTheKernelsOrder) {
  const std::string path = testing::TempDir() + "daos-disk-stat-" + std::to_string(getpid());
  std::FILE* file = std::fopen(path.c_str(), "we");
  ASSERT_NE(file, nullptr);
  std::fputs("  1 2 3 4 5 6 7 8 90 10 11 127120 13 14 15 16 17\n", file);
  std::fclose(file);
  DiskCounts counts;
  EXPECT_TRUE(readDiskCounts(path, counts));
  EXPECT_EQ(counts.inFlightCount, 90u);
  EXPECT_EQ(counts.discardCount, 127120u);
  unlink(path.c_str());
  EXPECT_FALSE(readDiskCounts(path, counts));
}

TEST(BenchDiskRest, WhatHasNoDiskRests) {
  const uint64_t startNs = nowNs();
  EXPECT_TRUE(waitForDiskRest("/proc"));
  EXPECT_TRUE(waitForDiskRest("/not/there"));
  EXPECT_LT(nowNs() - startNs, 400'000'000u);
}

}  // namespace
}  // namespace daos::bench
