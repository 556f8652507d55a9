// What fio measures on the file system that durable_bench uses, as a reference from another hand.
//
// durable/fio/{write4k,write4k-fdatasync}/qd<depth>/{rate,p50,p99,cpu} and
// durable/fio/{write1m,write1m-fdatasync}/qd4/bandwidth: O_DIRECT writes by fio's io_uring engine,
// with registered buffer and file, to a file whose blocks were all written before; with fdatasync:
// after each write. cpu: microseconds of processor time a write, as fio tells them. Of latencies
// fio tells those of the writes alone, without their fdatasync; they are left out there.
// The file lies in $TMPDIR or /tmp and is removed at the end. Without fio (tools/deps installs it)
// nothing is measured, and standard error says so.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/disk_rest.h"
#include "bench/report.h"

namespace daos::bio {
namespace {

constexpr uint64_t kMebibyte = 1 << 20;
constexpr uint64_t kFileBytes = 512 * kMebibyte;

struct FioLoad {
  uint64_t sizeBytes = 4096;
  unsigned depth = 1;
  bool isFlushed = false;
};

struct FioResult {
  double perSecond = 0;
  double p50Us = 0;
  double p99Us = 0;
  double cpuUs = 0;  // a write
};

std::optional<std::string> outputOf(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece;
  while (const size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    text.append(piece.data(), size);
  }
  if (pclose(pipe) != 0) return std::nullopt;
  return text;
}

// Fields of version 3 of fio's terse output, counted from 0 (fio's HOWTO, "Terse output").
enum Field : size_t {
  kVersion = 0,
  kError = 4,
  kWriteRate = 48,
  kWritePercentiles = 58,  // 20 of them, as 99.000000%=123
  kUserCpu = 87,           // as 1.200000%
  kSystemCpu = 88,
  kFieldCountMin = 89,
};
constexpr size_t kPercentileCount = 20;

std::vector<std::string_view> fieldsOf(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(';', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

double numberOf(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double percentileOf(const std::vector<std::string_view>& fields, std::string_view name) {
  for (size_t i = 0; i < kPercentileCount; ++i) {
    const std::string_view field = fields[kWritePercentiles + i];
    if (field.starts_with(name)) return numberOf(field.substr(field.find('=') + 1));
  }
  return 0;
}

std::optional<FioResult> resultOf(const std::string& output) {
  const auto fields = fieldsOf(output);
  if (fields.size() < kFieldCountMin || fields[kVersion] != "3" || fields[kError] != "0") {
    return std::nullopt;
  }
  const double perSecond = numberOf(fields[kWriteRate]);
  if (perSecond <= 0) return std::nullopt;
  const double cpuPercent = numberOf(fields[kUserCpu]) + numberOf(fields[kSystemCpu]);
  return FioResult{.perSecond = perSecond,
                   .p50Us = percentileOf(fields, "50."),
                   .p99Us = percentileOf(fields, "99.0"),
                   .cpuUs = cpuPercent / 100 * 1e6 / perSecond};
}

class FioBench {
 public:
  explicit FioBench(bench::Report& report) : report_(report) {
    const char* directory = getenv("TMPDIR");
    path_ = std::string(directory ? directory : "/tmp") + "/daos-durable-fio-" +
            std::to_string(getpid());
  }
  ~FioBench() { unlink(path_.c_str()); }

  void waitForDiskRest() const {
    const std::string directory = path_.substr(0, path_.rfind('/') + 1);
    if (!bench::waitForDiskRest(directory)) std::fprintf(stderr, "durable/fio: a busy disk\n");
  }

  void add(const std::string& name, const FioLoad& load) {
    const std::string prefix = "durable/fio/" + name + "/qd" + std::to_string(load.depth);
    if (!report_.wants(prefix)) return;
    const auto output = outputOf(commandFor(load));
    const auto result = output ? resultOf(*output) : std::nullopt;
    if (!result) {
      std::fprintf(stderr, "%s: fio failed, or its output is of another form: %s\n",
                   prefix.c_str(), output.value_or("").c_str());
      std::exit(1);
    }
    if (load.sizeBytes >= kMebibyte) {
      const double megabytes = static_cast<double>(load.sizeBytes) / 1e6;
      report_.add(prefix + "/bandwidth", result->perSecond * megabytes, "MB/s");
      return;
    }
    report_.addRate(prefix + "/rate", result->perSecond);
    report_.add(prefix + "/cpu", result->cpuUs, "us");
    if (load.isFlushed) return;
    report_.add(prefix + "/p50", result->p50Us, "us");
    report_.add(prefix + "/p99", result->p99Us, "us");
  }

 private:
  // overwrite: fio writes the whole file before it measures.
  std::string commandFor(const FioLoad& load) const {
    const bool isLarge = load.sizeBytes >= kMebibyte;
    return "fio --name=durable --filename='" + path_ + "' --size=" + std::to_string(kFileBytes) +
           " --overwrite=1 --direct=1 --ioengine=io_uring --fixedbufs --registerfiles" +
           " --norandommap --rw=" + (isLarge ? "write" : "randwrite") +
           " --bs=" + std::to_string(load.sizeBytes) + " --iodepth=" + std::to_string(load.depth) +
           (load.isFlushed ? " --fdatasync=1" : "") + " --time_based --runtime=" +
           std::to_string(static_cast<uint64_t>(report_.seconds() / 2 * 1000) + 1) + "ms" +
           " --minimal --terse-version=3";
  }

  bench::Report& report_;
  std::string path_;
};

int runAll(int argc, char** argv) {
  bench::Report report(argc, argv);
  if (!report.wants("durable/fio")) return 0;
  if (!outputOf("fio --version 2>/dev/null")) {
    report.say("durable/fio: left out, since fio is not installed: tools/deps does it");
    return 0;
  }
  FioBench bench(report);
  bench.waitForDiskRest();
  for (const unsigned depth : {1u, 16u, 256u}) bench.add("write4k", {.depth = depth});
  bench.add("write4k-fdatasync", {.isFlushed = true});
  for (const bool isFlushed : {false, true}) {
    bench.add(isFlushed ? "write1m-fdatasync" : "write1m",
              {.sizeBytes = kMebibyte, .depth = 4, .isFlushed = isFlushed});
  }
  return report.finish();
}

}  // namespace
}  // namespace daos::bio

int main(int argc, char** argv) { return daos::bio::runAll(argc, argv); }
