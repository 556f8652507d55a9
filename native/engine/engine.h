// An engine: N targets on threads of their own, and the control interface over them.
//
// Life:   start; control calls; stop (or destruction). A target that can't start fails the start.
// Thread: control calls from any thread; each calls `done` once, on a thread of the engine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/uuid.h"
#include "engine/container/pool_key.h"
#include "engine/container/quota.h"
#include "engine/device_options.h"
#include "engine/device_report.h"
#include "engine/metrics.h"
#include "engine/pool_properties.h"
#include "engine/pool_store.h"
#include "engine/prewriting.h"
#include "engine/request_trace.h"
#include "placement/layout.h"
#include "rpc/local_transport.h"
#include "rpc/transport.h"
#include "runtime/reactor.h"
#include "vos/log/log_thresholds.h"

namespace daos::engine {

enum class ArenaKind { kLog, kPmem };

struct EngineOptions {
  uint32_t rank = 0;
  // Pools lie under it, a folder per pool and target. Locked: one engine per directory.
  std::string dataDirectory;
  uint32_t targetCount = 1;
  // In order of preference for clients: "shm", "tcp", "verbs"; "local" needs `localNetwork`.
  std::vector<std::string> transports = {"shm", "tcp"};
  // Numeric address to listen at by tcp and verbs; target t listens at tcpPort + t, or at any port
  // when tcpPort is 0.
  std::string tcpAddress = "127.0.0.1";
  uint16_t tcpPort = 0;
  rpc::LocalNetwork* localNetwork = nullptr;  // borrowed
  uint64_t spinNs = 20'000;
  std::vector<int> cores;  // target t runs on cores[t]; empty: anywhere
  ArenaKind arenaKind = ArenaKind::kLog;
  // How long every version of what is stored stays readable; older ones that no snapshot pins are
  // dropped in the background. 0: all stay for ever.
  uint64_t historyNs = 0;
  PrewriteOptions prewrite;
  // On log arenas, updates with less data than this go to the log as a whole while few are under
  // way, and to the data area afterwards; 0: none do.
  uint64_t absorbBelow = 16 << 10;
  vos::LogThresholds logThresholds;
  // Failed reads and writes of one device until it counts as faulty, which stops its target. A
  // failed flush does so at once.
  uint64_t deviceErrorCountMax = 8;
  DeviceOptions storage;
  Log log;
};

// What one target says of its share of a pool.
struct TargetShare {
  uint32_t target = 0;
  uint64_t arenaUsedBytes = 0;
  uint64_t arenaTotalBytes = 0;
  uint64_t dataUsedBytes = 0;
  uint64_t dataTotalBytes = 0;
  uint64_t dataPrewrittenBytes = 0;  // of the data area, written before it is wanted
  uint64_t containerCount = 0;
  // Of a target that has stopped, or could not open its share: why.
  // Nothing else is known of its share then.
  std::string failure;
};

struct TargetMetrics {
  uint32_t target = 0;
  PoolMetrics pool;
};

class Engine {
 public:
  using Done = std::function<void(Status)>;

  // Blocks until all targets listen. DER_BUSY: the directory or a device is in use, or a port is
  // taken; DER_INVAL. DER_UNINIT: the devices are not formatted; DER_EXIST: nor blank, where only
  // blank ones may be; DER_MISMATCH: all of them are another engine's, or missing.
  static Result<std::unique_ptr<Engine>> start(EngineOptions options);
  // As stop(), if that hasn't been called.
  virtual ~Engine() = default;

  // For each target in order, one address per transport.
  virtual std::vector<std::vector<placement::TargetAddress>> addresses() const = 0;

  // `sizes` are per target; DER_NOSPACE when the file system has no room for them with log and
  // checkpoints (FolderPoolStore::bytesOnDisk). What fails on one target is undone on the others.
  virtual void createPool(Uuid pool, PoolSizes sizes, Done done) = 0;
  // On every target that can. Those that can't are told of in the log and by queryPool, and answer
  // each request for the pool with the reason. Fails when no target serves it.
  virtual void openPool(Uuid pool, Done done) = 0;
  // From here on only a capability sealed with `key` opens containers of the pool; handles that
  // were opened with an earlier one, or that its evictions name, are gone (DER_EVICTED). Before
  // createPool and openPool, so that the pool is never open without it. Not kept over a restart.
  virtual void setPoolKey(Uuid pool, PoolKey key, Done done) = 0;
  // Also before the pool is created or opened; those of a pool that nothing was said of are the
  // defaults. Not kept over a restart.
  virtual void setPoolProperties(Uuid pool, PoolProperties properties, Done done) = 0;
  // From here on a request that goes by an older map is refused, with this one in the answer: its
  // client goes on without asking anybody. Older than the one there is: ignored. Not kept over a
  // restart. DER_OVERFLOW: no answer has room for it.
  virtual void setPoolMap(Uuid pool, placement::PoolMap map, Done done) = 0;
  // Another size of the data area of each target. What lies beyond a nearer end is moved to the
  // front while the pool is in use; then the pool is closed for the moment: requests wait.
  // DER_INPROGRESS: there is more to move; it goes on, for a minute, until this is called again.
  // DER_NOSPACE when the data does not fit, or the file system has no room; may be repeated.
  virtual void resizePool(Uuid pool, uint64_t dataBytes, Done done) = 0;
  virtual void destroyPool(Uuid pool, Done done) = 0;
  virtual void createContainer(Uuid pool, Uuid container, Done done) = 0;
  virtual void destroyContainer(Uuid pool, Uuid container, Done done) = 0;
  // Later than every write that has been acknowledged here.
  virtual void newEpoch(std::function<void(Result<Epoch>)> done) = 0;
  // Snapshots of a container: container/snapshots.h. Both may be repeated; what failed on a target
  // is not undone on the others.
  virtual void setContainerSnapshots(Uuid pool, Uuid container, std::vector<Epoch> epochs,
                                     Done done) = 0;
  virtual void rollbackContainer(Uuid pool, Uuid container, Epoch epoch, Done done) = 0;
  // Quotas (container/quota.h). Sets the part of each target, in order; known before the pool is
  // open, and not kept over a restart.
  virtual void setContainerQuota(Uuid pool, Uuid container, std::vector<QuotaPart> parts,
                                 Done done) = 0;
  // What lies on each target. With `isFrozen` that becomes its part: it takes no more until it is
  // given some.
  virtual void containerUsage(Uuid pool, Uuid container, bool isFrozen,
                              std::function<void(Result<std::vector<QuotaUsage>>)> done) = 0;
  // The containers that want more than their parts, as soon as there are some; none when another
  // call waits already, or at the end.
  virtual void awaitQuotaRequests(QuotaRequests::Done done) = 0;
  // What targets did for requests that their clients trace, as soon as there is some; nothing when
  // another call waits already, or at the end.
  virtual void awaitRequestSpans(RequestSpans::Done done) = 0;
  // Fails only when no target has anything to tell.
  virtual void queryPool(Uuid pool, std::function<void(Result<std::vector<TargetShare>>)> done) = 0;
  // What each target did for a pool since it was opened.
  virtual void poolMetrics(Uuid pool,
                           std::function<void(Result<std::vector<TargetMetrics>>)> done) = 0;
  // The devices of all open pools, target by target; those of a target that has stopped are as they
  // were then. Never fails.
  virtual void queryDevices(std::function<void(std::vector<DeviceReport>)> done) = 0;
  // Gives a device up, by its path in queryDevices: its target stops cleanly, whatever else it
  // serves, and stays so over restarts. Ends when its pools are closed. May be repeated.
  // DER_NONEXIST.
  virtual void setDeviceFaulty(std::string path, std::string why, Done done) = 0;
  // A new, empty share in place of the one that stood on a faulty device: all of the pool that this
  // target held is lost, since nothing keeps a copy of it, and that has to be accepted (DER_INVAL).
  // Its containers are made anew, and the target serves all its pools again, unless another of its
  // devices is faulty. DER_NONEXIST; DER_BUSY: the device is not faulty; DER_NOSPACE.
  // On devices it is that of each target that lost its share of the pool with `path`, which has
  // been renewed; DER_BUSY: it is still faulty, or nothing was lost there.
  virtual void replaceDevice(std::string path, DeviceReplacement replacement, Done done) = 0;
  // The devices that the engine was given; none where pools lie in its data directory.
  virtual std::vector<EngineDevice> listDevices() = 0;
  // Takes into use, empty, what lies at `path` now in place of a faulty device: blank, or that
  // device itself, unless forced. Shares that lay there are lost, and replaced by replaceDevice.
  // DER_NONEXIST; DER_BUSY: it is not faulty, or in use; DER_EXIST: not blank; DER_NOSPACE: it is
  // smaller.
  virtual void renewDevice(std::string path, bool isForced, Done done) = 0;
  // The pools that lie in the data directory, open or not.
  virtual Result<std::vector<Uuid>> listPools() = 0;

  // Blocks: ends sessions, makes everything durable, closes pools, joins the threads.
  virtual Status stop() = 0;
};

}  // namespace daos::engine
