#include "bio/spdk/spdk_environment.h"

#include <spdk/env.h>
#include <spdk/init.h>
#include <spdk/rpc.h>
#include <spdk/thread.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <future>
#include <thread>

namespace daos::bio {
namespace {

std::atomic<bool> wasMade{false};

Error spdkError(const std::string& what, int code) {
  return Error(code == -ENOMEM ? ErrorCode::kNomem : ErrorCode::kInval,
               "SPDK: " + what + ": " + std::strerror(code < 0 ? -code : code));
}

class Environment final : public SpdkEnvironment {
 public:
  explicit Environment(const Log& log) : log_(log) {}
  ~Environment() override {
    isStopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const Log& log() const override { return log_; }

  Status start(const SpdkOptions& options) {
    std::promise<Status> started;
    auto result = started.get_future();
    thread_ = std::thread([this, &options, &started] { run(options, started); });
    return result.get();
  }

 private:
  // Where a step of SPDK that ends later tells how.
  struct Step {
    bool isDone = false;
    int code = 0;
    static void ended(int code, void* step) { *static_cast<Step*>(step) = {true, code}; }
    static void finished(void* step) { ended(0, step); }
  };

  void run(const SpdkOptions& options, std::promise<Status>& started) {
    Status status = setUp(options);
    const bool isReady = status.ok();
    started.set_value(std::move(status));
    // Nothing that a request waits for happens here.
    while (isReady && !isStopping_) {
      if (spdk_thread_poll(main_, 0, 0) > 0) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    tearDown();
  }

  static Status initializeMemory(const SpdkOptions& options) {
    std::vector<spdk_pci_addr> allowed(options.pciAllowed.size());
    for (size_t i = 0; i < allowed.size(); ++i) {
      const int code = spdk_pci_addr_parse(&allowed[i], options.pciAllowed[i].c_str());
      if (code) return spdkError("'" + options.pciAllowed[i] + "' as a PCI address", code);
    }
    spdk_env_opts settings{};
    settings.opts_size = sizeof(settings);
    spdk_env_opts_init(&settings);
    settings.name = options.name.c_str();
    settings.core_mask = "0x1";
    settings.mem_size = static_cast<int>(options.memoryBytes >> 20);
    settings.no_huge = !options.hasHugePages;
    settings.no_pci = allowed.empty();
    settings.num_pci_addr = allowed.size();
    settings.pci_allowed = allowed.empty() ? nullptr : allowed.data();
    const int code = spdk_env_init(&settings);
    if (code) return spdkError("memory and PCI devices", code);
    return {};
  }

  Status setUp(const SpdkOptions& options) {
    DAOS_CHECK(initializeMemory(options));
    hasMemory_ = true;
    int code = spdk_thread_lib_init(nullptr, 0);
    if (code) return spdkError("threads", code);
    hasThreads_ = true;
    main_ = spdk_thread_create(options.name.c_str(), nullptr);
    if (!main_) return spdkError("a thread", -ENOMEM);
    spdk_set_thread(main_);
    Step begun;
    spdk_subsystem_init(&Step::ended, &begun);
    await(begun);
    if (begun.code) return spdkError("subsystems", begun.code);
    hasSubsystems_ = true;
    spdk_rpc_set_state(SPDK_RPC_RUNTIME);
    if (options.configuration.empty()) return {};
    std::string text = options.configuration;
    Step loaded;
    spdk_subsystem_load_config(text.data(), static_cast<ssize_t>(text.size()), &Step::ended,
                               &loaded, true);
    await(loaded);
    if (loaded.code) return spdkError("its configuration", loaded.code);
    return {};
  }

  void tearDown() {
    if (hasSubsystems_) {
      Step ended;
      spdk_subsystem_fini(&Step::finished, &ended);
      await(ended);
    }
    if (main_) {
      spdk_thread_exit(main_);
      while (!spdk_thread_is_exited(main_)) spdk_thread_poll(main_, 0, 0);
      spdk_thread_destroy(main_);
    }
    if (hasThreads_) spdk_thread_lib_fini();
    if (hasMemory_) spdk_env_fini();
  }

  void await(const Step& step) {
    while (!step.isDone) spdk_thread_poll(main_, 0, 0);
  }

  const Log log_;
  std::thread thread_;
  std::atomic<bool> isStopping_{false};
  spdk_thread* main_ = nullptr;
  bool hasMemory_ = false;
  bool hasThreads_ = false;
  bool hasSubsystems_ = false;
};

}  // namespace

Result<std::unique_ptr<SpdkEnvironment>> SpdkEnvironment::create(const SpdkOptions& options,
                                                                 const Log& log) {
  if (wasMade.exchange(true)) {
    return Error(ErrorCode::kBusy, "SPDK has been set up in this process before");
  }
  auto environment = std::make_unique<Environment>(log);
  DAOS_CHECK(environment->start(options));
  return std::unique_ptr<SpdkEnvironment>(std::move(environment));
}

}  // namespace daos::bio
