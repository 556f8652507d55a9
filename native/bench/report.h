// The flags and the output of a benchmark program.
//
// Flags:  --json          one JSON object instead of a table
//         --only PREFIX   only the metrics whose names start with PREFIX
//         --seconds S     how long each case measures (default 3)
//
// Metrics are named by paths that never change, listed in docs/performance.md:
// module/variant/case/parameter/kind, as in rpc/tcp/echo64/qd16/rate. Kinds: `rate` in operations
// per second, `p50` and `p99` in microseconds, `bandwidth` in MB/s, and others with their unit.
// A reference is what the raw limit gave in the same run; ratio = value / reference.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/latency_histogram.h"

namespace daos::bench {

struct Metric {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> reference;

  std::optional<double> ratio() const {
    if (!reference || *reference == 0) return std::nullopt;
    return value / *reference;
  }
};

class Report {
 public:
  // Ends the program with a message (exit code 2) on a flag it does not know. `out` receives the
  // table or object.
  Report(int argc, char** argv, std::FILE* out = stdout) : out_(out) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view flag = argv[i];
      if (flag == "--json") {
        json_ = true;
      } else if (flag == "--only" && i + 1 < argc) {
        only_ = argv[++i];
      } else if (flag == "--seconds" && i + 1 < argc && std::atof(argv[i + 1]) > 0) {
        seconds_ = std::atof(argv[++i]);
      } else {
        std::fprintf(stderr,
                     "%s: bad flag '%s'; flags: --json, --only PREFIX, --seconds S (over 0)\n",
                     argv[0], argv[i]);
        std::exit(2);
      }
    }
  }

  double seconds() const { return seconds_; }

  // True when a case with this name, or with metrics under it, was asked for. Ask before the case's
  // set-up, so that --only skips it.
  bool wants(std::string_view caseName) const {
    const size_t shared = std::min(caseName.size(), only_.size());
    return caseName.substr(0, shared) == std::string_view(only_).substr(0, shared);
  }

  void add(std::string name, double value, std::string unit,
           std::optional<double> reference = std::nullopt) {
    if (name.starts_with(only_)) {
      metrics_.push_back({std::move(name), value, std::move(unit), reference});
    }
  }
  void addRate(std::string name, double perSecond, std::optional<double> reference = std::nullopt) {
    add(std::move(name), perSecond, "ops/s", reference);
  }
  // Adds `prefix`/p50 and `prefix`/p99, with those of `reference` beside them where there is one.
  void addLatency(const std::string& prefix, const LatencyHistogram& latencies,
                  const LatencyHistogram* reference = nullptr) {
    for (const auto& [kind, fraction] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}}) {
      std::optional<double> beside;
      if (reference) beside = reference->percentileUs(fraction);
      add(prefix + "/" + kind, latencies.percentileUs(fraction), "us", beside);
    }
  }
  // A line for whoever watches; never part of the result.
  void say(const std::string& text) const { std::fprintf(stderr, "%s\n", text.c_str()); }

  const std::vector<Metric>& metrics() const { return metrics_; }

  // Prints everything. The program's exit code: 1 when nothing was measured or a value is no
  // number.
  int finish() const {
    if (json_) {
      printJson();
    } else {
      printTable();
    }
    if (metrics_.empty()) {
      std::fprintf(stderr, "no metric starts with '%s'\n", only_.c_str());
      return 1;
    }
    for (const Metric& metric : metrics_) {
      if (!std::isfinite(metric.value)) {
        std::fprintf(stderr, "%s is not a number\n", metric.name.c_str());
        return 1;
      }
    }
    return 0;
  }

 private:
  void printJson() const {
    std::fprintf(out_, "{\"metrics\":[");
    const char* separator = "";
    for (const Metric& metric : metrics_) {
      std::fprintf(out_, "%s\n{\"name\":\"%s\",\"value\":%s,\"unit\":\"%s\",", separator,
                   metric.name.c_str(), number(metric.value).c_str(), metric.unit.c_str());
      std::fprintf(out_, "\"reference\":%s,\"ratio\":%s}", number(metric.reference).c_str(),
                   number(metric.ratio()).c_str());
      separator = ",";
    }
    std::fprintf(out_, "\n]}\n");
    std::fflush(out_);
  }

  void printTable() const {
    size_t width = 4;
    for (const Metric& metric : metrics_) width = std::max(width, metric.name.size());
    printRow(width, "name", "value", "unit", "reference", "ratio");
    for (const Metric& metric : metrics_) {
      printRow(width, metric.name, grouped(metric.value), metric.unit,
               metric.reference ? grouped(*metric.reference) : "-",
               metric.ratio() ? fixed(*metric.ratio(), 3) : "-");
    }
    std::fflush(out_);
  }

  void printRow(size_t width, const std::string& name, const std::string& value,
                const std::string& unit, const std::string& reference,
                const std::string& ratio) const {
    std::fprintf(out_, "%-*s  %14s  %-8s  %14s  %7s\n", static_cast<int>(width), name.c_str(),
                 value.c_str(), unit.c_str(), reference.c_str(), ratio.c_str());
  }

  static std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
  }
  static std::string number(std::optional<double> value) {
    if (!value || !std::isfinite(*value)) return "null";
    char text[64];
    std::snprintf(text, sizeof text, "%.6g", *value);
    // Exponents are valid JSON, but hard to read: rates are whole numbers.
    return std::fabs(*value) >= 1e5 ? fixed(*value, 0) : text;
  }
  // 1234567.8 as "1,234,568", 12.345 as "12.35".
  static std::string grouped(double value) {
    std::string text = fixed(value, std::fabs(value) < 1000 ? 2 : 0);
    if (std::fabs(value) < 1000) return text;
    for (size_t i = text.size(); i > 3 + (text[0] == '-'); ) text.insert(i -= 3, ",");
    return text;
  }

  std::FILE* out_;
  bool json_ = false;
  std::string only_;
  double seconds_ = 3;
  std::vector<Metric> metrics_;
};

}  // namespace daos::bench
