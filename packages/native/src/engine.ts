// An engine in this process. For @daos/server and @daos/embedded, which decide when and how.
import type { PoolMap, TargetAddress, TransportName } from '@daos/model';
import {
  writeDevices,
  type Device,
  type DeviceFormat,
  type DeviceOption,
  type EngineDevice,
  type SpdkOptions,
} from './devices.js';
import {
  asAddresses,
  asDevices,
  asEngineDevices,
  asMetrics,
  asReferences,
  asRequestSpans,
  asShares,
  asTexts,
  asUsages,
} from './engine-answers.js';
import { loadAddon, type Addon } from './load.js';
import type { LocalNetwork } from './network.js';
import {
  asBigint,
  asNothing,
  asNumber,
  type Decode,
  type Handle,
  type NativeFunction,
} from './operations.js';
import { writePoolMap } from './pool-map.js';

/** Bytes in a second. */
export interface PrewriteRates {
  /** While no requests come; 0: as fast as the device is. */
  idleBytesPerSecond: number;
  /** Beside requests; 0: not at all. */
  busyBytesPerSecond: number;
}

/** Percent of the size of a pool's log, each more than the one before. */
export interface LogThresholds {
  /** A checkpoint starts. Default 25. */
  checkpoint?: number;
  /** Writers are slowed down. Default 50. */
  slow?: number;
  /** Writers wait. Default 75. */
  stop?: number;
}

const ABSORB_BELOW_BYTES = 16 * 1024;
const LOG_THRESHOLDS = { checkpoint: 25, slow: 50, stop: 75 } as const;

export interface EngineOptions {
  rank: number;
  /** Pools lie under it; locked, one engine per directory. */
  dataDirectory: string;
  /** Threads that serve; each owns a share of every pool. Default 1. */
  targetCount?: number;
  /** In order of preference for clients. Default shm, tcp. 'local' needs `network`. */
  transports?: readonly TransportName[];
  /** Numeric address to listen at by tcp and verbs. Default 127.0.0.1. */
  tcpAddress?: string;
  /** Target t listens at tcpPort + t; 0, the default: at any port. */
  tcpPort?: number;
  /** How long an idle target polls before it blocks. Default 20. */
  spinMicroseconds?: number;
  /** Target t runs on core pinCores[t]. Default: anywhere. */
  pinCores?: readonly number[];
  store?: {
    /**
     * Metadata in DRAM with a log on disk ('log', the default), or in persistent memory ('pmem').
     */
    arena?: 'log' | 'pmem';
    /**
     * How long every version of what is stored stays readable; of what is older, versions that no
     * snapshot sees are dropped in the background. 0, the default: all stay for ever.
     */
    historySeconds?: number;
    /** At what rates data areas are written in advance. Left out: they are not. */
    prewrite?: PrewriteRates | undefined;
    /** How full their logs may get. */
    log?: LogThresholds | undefined;
    /**
     * Updates with less data than this go to the log whole while few are under way, and to the data
     * area afterwards; 0: none do. Bytes, default 16384; more than 65536 is of no use.
     */
    absorbBelowBytes?: number | undefined;
    /** What pools lie on. Left out, or none: in files of the data directory. */
    devices?: readonly DeviceOption[] | undefined;
    /**
     * What is done with devices on which nothing of this engine lies yet: 'blank' formats them if
     * all are blank, 'force' whatever lies there. Left out: starting fails with DER_UNINIT.
     */
    format?: DeviceFormat | undefined;
    /** For devices with a path like spdk:NAME. */
    spdk?: SpdkOptions | undefined;
    /** Whether devices are told what pools gave up (TRIM, holes in files). Default true. */
    isDiscarding?: boolean | undefined;
  };
  /** Lines of at least this level go to standard error. Default 'warning'. */
  logLevel?: 'debug' | 'info' | 'warning' | 'error' | 'off';
  network?: LocalNetwork;
}

/** Sizes are per target. */
export interface PoolSizes {
  /** Metadata and small values. */
  arenaBytes: number;
  /** Bulk data; 0: everything lives in the arena. */
  dataBytes: number;
}

/** What lets clients open containers of a pool. */
export interface PoolKey {
  /** > 0; rises with every new secret. */
  keyVersion: number;
  /** 32 bytes. */
  secret: Uint8Array;
  /** Of the latest eviction. */
  serial: number;
  /** Of a container or of a machine, by its number: sealed under an earlier serial is revoked. */
  evictions: readonly { container?: string; machine?: bigint; serial: number }[];
}

/** When what no reader can see any more is dropped: always, while nobody uses the pool, never. */
export const RECLAIMS = ['time', 'lazy', 'disabled'] as const;

export interface PoolProperties {
  reclaim: (typeof RECLAIMS)[number];
  /** Of each tier, that updates leave free. */
  spareSpacePercent: number;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** What one target says of its share of a pool. */
export interface TargetShare {
  target: number;
  arenaUsedBytes: number;
  arenaTotalBytes: number;
  dataUsedBytes: number;
  dataTotalBytes: number;
  /** Of the data area's beginning, what was written before it is wanted, or used. */
  dataPrewrittenBytes: number;
  containerCount: number;
  /** Of a target that has stopped: why; its other numbers are 0 then. Otherwise ''. */
  failure: string;
}

/** Operations of one kind since the pool was opened. */
export interface OperationMetrics {
  /** update, fetch, punch, enumerate or query. */
  operation: string;
  /** Answered, well or not. */
  count: number;
  failedCount: number;
  /** Of values, of those that went well. */
  bytes: number;
  latencySumNs: number;
  /** Element b counts what took up to 2^b microseconds; the last one also what took longer. */
  latencyCounts: number[];
}

export interface TargetMetrics {
  target: number;
  operations: OperationMetrics[];
}

/** What takes the place of a device that was given up. */
export interface DeviceReplacement {
  /** On devices of an engine, which hold many pools. Left out: the one whose file it is. */
  pool?: string | undefined;
  /** Of the share, as the pool was created. */
  sizes: PoolSizes;
  /** Of the pool; they are made anew, empty. */
  containers: readonly string[];
  /** All that the target holds of the pool is lost: nothing keeps a copy of it. */
  acceptsDataLoss: boolean;
}

/** Bytes with every version that is kept, and objects; undefined: unlimited. */
export interface QuotaAmounts {
  bytes?: number | undefined;
  objects?: number | undefined;
}

export interface ContainerQuota {
  /** Of the container, for messages. */
  whole: QuotaAmounts;
  /** There is no more to give: what doesn't fit is refused at once. */
  isUsedUp: boolean;
  /** What each target may use, in order. */
  parts: readonly QuotaAmounts[];
}

/** What a container uses of one target, and what updates that wait there want more. */
export interface ContainerUsage {
  bytes: number;
  objects: number;
  wantedBytes: number;
  wantedObjects: number;
}

export interface ContainerReference {
  pool: string;
  container: string;
}

/** What a target did for a request that its client traces. */
export interface RequestSpan {
  /** In hexadecimal, as OpenTelemetry has them. */
  traceId: string;
  parentSpanId: string;
  target: number;
  /** update, fetch, punch, enumerate or query. */
  operation: string;
  /** The code of the error that was answered; '' where there was none. */
  error: string;
  /** Since 1970, in decimal. */
  beganNs: string;
  tookNs: number;
  /** One after the other: each ends where the next one begins. */
  stages: { stage: string; beganNs: number }[];
}

export interface RequestSpans {
  spans: RequestSpan[];
  /** Those that were forgotten because nobody took them in time. */
  droppedCount: number;
}

type EngineFunction =
  | 'engineStart'
  | 'engineStop'
  | 'engineAddresses'
  | 'engineCreatePool'
  | 'engineOpenPool'
  | 'engineSetPoolKey'
  | 'engineSetPoolProperties'
  | 'engineSetPoolMap'
  | 'engineResizePool'
  | 'engineDestroyPool'
  | 'engineCreateContainer'
  | 'engineDestroyContainer'
  | 'engineNewEpoch'
  | 'engineSetContainerSnapshots'
  | 'engineRollbackContainer'
  | 'engineSetContainerQuota'
  | 'engineContainerUsage'
  | 'engineAwaitQuotaRequests'
  | 'engineAwaitRequestSpans'
  | 'engineQueryPool'
  | 'enginePoolMetrics'
  | 'engineQueryDevices'
  | 'engineSetDeviceFaulty'
  | 'engineReplaceDevice'
  | 'engineListDevices'
  | 'engineRenewDevice'
  | 'engineListPools';
type EngineBinding = Record<EngineFunction, NativeFunction>;

const NO_POOL = '00000000-0000-0000-0000-000000000000';
const NO_HANDLE: Handle = 0;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const ARENA_KINDS = ['log', 'pmem'] as const;
const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'off'] as const;
const NS_PER_MICROSECOND = 1000;
const NS_PER_SECOND = 1_000_000_000;

/**
 * Starts an engine.
 * @throws DaosError DER_BUSY when the directory or a device is in use, or a port is taken;
 * DER_INVAL. DER_UNINIT for devices that are not formatted; DER_EXIST when only blank ones may be,
 * and one is not; DER_MISMATCH when all of them are another engine's, or missing.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const addon = loadAddon<EngineBinding>('engine');
  const { transports = ['shm', 'tcp'], pinCores = [], targetCount = 1 } = options;
  const command = addon.operations.command.begin();
  command.u32(options.rank).text(options.dataDirectory).u32(targetCount).u32(transports.length);
  for (const transport of transports) command.text(transport);
  command.text(options.tcpAddress ?? '127.0.0.1').u32(options.tcpPort ?? 0);
  command.u64((options.spinMicroseconds ?? 20) * NS_PER_MICROSECOND).u32(pinCores.length);
  for (const core of pinCores) command.u32(core);
  command.u8(ARENA_KINDS.indexOf(options.store?.arena ?? 'log'));
  command.u64(Math.round((options.store?.historySeconds ?? 0) * NS_PER_SECOND));
  const prewrite = options.store?.prewrite;
  command.u8(prewrite ? 1 : 0);
  command.u64(prewrite?.idleBytesPerSecond ?? 0).u64(prewrite?.busyBytesPerSecond ?? 0);
  const { checkpoint, slow, stop } = { ...LOG_THRESHOLDS, ...options.store?.log };
  command.u32(checkpoint).u32(slow).u32(stop);
  command.u64(options.store?.absorbBelowBytes ?? ABSORB_BELOW_BYTES);
  writeDevices(command, options.store);
  command.u8(LOG_LEVELS.indexOf(options.logLevel ?? 'warning'));
  command.u64(options.network?.handle ?? NO_HANDLE);
  const handle = await addon.operations.run(addon.binding.engineStart, NO_HANDLE, asNumber);
  return new Engine(addon, handle);
}

/** A running engine. Pool and container ids are UUIDs as text. */
export class Engine implements AsyncDisposable {
  readonly #addon: Addon<EngineBinding>;
  readonly #handle: Handle;

  constructor(addon: Addon<EngineBinding>, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  /** For each target in order, how it is reached. */
  addresses(): Promise<TargetAddress[][]> {
    this.#addon.operations.command.begin();
    return this.#run('engineAddresses', asAddresses);
  }

  /** Creates and opens a pool on all targets. @throws DaosError DER_EXIST, DER_NOSPACE. */
  createPool(pool: string, { arenaBytes, dataBytes }: PoolSizes): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool).u64(arenaBytes).u64(dataBytes);
    return this.#run('engineCreatePool', asNothing);
  }

  /**
   * Opens a pool that was created before.
   * @throws DaosError DER_NONEXIST, DER_DF_INCOMPT for another format version, DER_DF_INVAL.
   */
  openPool(pool: string): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool);
    return this.#run('engineOpenPool', asNothing);
  }

  /**
   * From here on only a capability sealed with `secret` (32 bytes) opens containers of the pool;
   * what was opened with an earlier version, or what an eviction names, is gone. Before the pool is
   * created or opened, so that it is never open without; an engine that starts anew knows none.
   */
  setPoolKey(pool: string, key: PoolKey): Promise<void> {
    const { keyVersion, secret, serial, evictions } = key;
    const { command } = this.#addon.operations;
    command.begin().uuid(pool).u32(keyVersion).bytes(secret).u32(serial).u32(evictions.length);
    for (const { container, machine, serial: below } of evictions) {
      command.uuid(container ?? NIL_UUID).u64(machine ?? 0n).u32(below);
    }
    return this.#run('engineSetPoolKey', asNothing);
  }

  /** Also before the pool is created or opened; an engine that starts anew knows none. */
  setPoolProperties(pool: string, properties: PoolProperties): Promise<void> {
    const { command } = this.#addon.operations;
    command.begin().uuid(pool).u8(RECLAIMS.indexOf(properties.reclaim));
    command.u32(properties.spareSpacePercent);
    return this.#run('engineSetPoolProperties', asNothing);
  }

  /**
   * From here on a client that goes by an older map is given this one, in the answer. Older than
   * the one there is: ignored. May come before the pool is open; an engine that starts anew knows
   * none.
   * @throws DaosError DER_OVERFLOW for one that no answer has room for.
   */
  setPoolMap(pool: string, map: PoolMap): Promise<void> {
    writePoolMap(this.#addon.operations.command.begin().uuid(pool), map);
    return this.#run('engineSetPoolMap', asNothing);
  }

  /**
   * Gives the data area of each target another size. The pool is closed meanwhile, requests wait.
   * May be repeated; after a failure targets may differ.
   * @throws DaosError DER_NOSPACE when data lies beyond the new end, or the disk is too full;
   * DER_INVAL for a pool without a data area.
   */
  resizePool(pool: string, dataBytes: number): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool).u64(dataBytes);
    return this.#run('engineResizePool', asNothing);
  }

  /** Closes a pool and deletes what it holds. @throws DaosError DER_NONEXIST. */
  destroyPool(pool: string): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool);
    return this.#run('engineDestroyPool', asNothing);
  }

  /** @throws DaosError DER_NONEXIST for the pool, DER_EXIST for the container. */
  createContainer(pool: string, container: string): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool).uuid(container);
    return this.#run('engineCreateContainer', asNothing);
  }

  /** @throws DaosError DER_NONEXIST, DER_BUSY. */
  destroyContainer(pool: string, container: string): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool).uuid(container);
    return this.#run('engineDestroyContainer', asNothing);
  }

  /** An epoch that is later than every write that has been acknowledged here. */
  newEpoch(): Promise<bigint> {
    this.#addon.operations.command.begin();
    return this.#run('engineNewEpoch', asBigint);
  }

  /**
   * Pins these epochs of a container and no others, durably: what a read at one of them sees stays.
   * Writes get later epochs from here on. May be repeated.
   * @throws DaosError DER_NONEXIST; DER_EP_OLD for a new epoch whose versions have been dropped.
   */
  setContainerSnapshots(
    pool: string,
    container: string,
    epochs: readonly bigint[],
  ): Promise<void> {
    const command = this.#addon.operations.command.begin();
    command.uuid(pool).uuid(container).u32(epochs.length);
    for (const epoch of epochs) command.u64(epoch);
    return this.#run('engineSetContainerSnapshots', asNothing);
  }

  /**
   * Takes a container back to a snapshot: what was written after it is dropped, for good. Handles
   * that were open are gone (DER_EVICTED), and opening it waits (DER_AGAIN) until this has
   * succeeded; after a failure it is to be repeated.
   * @throws DaosError DER_NONEXIST for the pool, the container or the snapshot.
   */
  rollbackContainer(pool: string, container: string, epoch: bigint): Promise<void> {
    this.#addon.operations.command.begin().uuid(pool).uuid(container).u64(epoch);
    return this.#run('engineRollbackContainer', asNothing);
  }

  /**
   * What each target may use for a container. May come before the pool is open; an engine that
   * starts anew knows none.
   */
  setContainerQuota(pool: string, container: string, quota: ContainerQuota): Promise<void> {
    const command = this.#addon.operations.command.begin().uuid(pool).uuid(container);
    const put = ({ bytes, objects }: QuotaAmounts) =>
      command.u64(bytes ?? UNLIMITED).u64(objects ?? UNLIMITED);
    put(quota.whole);
    command.u32(quota.isUsedUp ? 1 : 0).u32(quota.parts.length);
    for (const part of quota.parts) put(part);
    return this.#run('engineSetContainerQuota', asNothing);
  }

  /**
   * What a container uses of each target. With `isFrozen` that becomes what it may use: it takes no
   * more until it is given some.
   * @throws DaosError DER_NONEXIST.
   */
  containerUsage(pool: string, container: string, isFrozen: boolean): Promise<ContainerUsage[]> {
    const command = this.#addon.operations.command.begin();
    command.uuid(pool).uuid(container).u32(isFrozen ? 1 : 0);
    return this.#run('engineContainerUsage', asUsages);
  }

  /**
   * Waits for containers that want more than they may use; none when another call waits already, or
   * when the engine stops.
   */
  awaitQuotaRequests(): Promise<ContainerReference[]> {
    this.#addon.operations.command.begin();
    return this.#run('engineAwaitQuotaRequests', asReferences);
  }

  /**
   * Waits for what targets did for requests that their clients trace; nothing when another call
   * waits already, or when the engine stops.
   */
  awaitRequestSpans(): Promise<RequestSpans> {
    this.#addon.operations.command.begin();
    return this.#run('engineAwaitRequestSpans', asRequestSpans);
  }

  /**
   * Space and containers of a pool, per target; of a target that has stopped, why.
   * @throws DaosError DER_NONEXIST; DER_IO when all targets have stopped.
   */
  queryPool(pool: string): Promise<TargetShare[]> {
    this.#addon.operations.command.begin().uuid(pool);
    return this.#run('engineQueryPool', asShares);
  }

  /** What each target did for a pool since it was opened. @throws DaosError DER_NONEXIST. */
  poolMetrics(pool: string): Promise<TargetMetrics[]> {
    this.#addon.operations.command.begin().uuid(pool);
    return this.#run('enginePoolMetrics', asMetrics);
  }

  /**
   * The devices of all open pools, and those that were given up; those of a target that has stopped
   * as they were then.
   */
  queryDevices(): Promise<Device[]> {
    this.#addon.operations.command.begin();
    return this.#run('engineQueryDevices', asDevices);
  }

  /**
   * Gives a device up, by its path in `queryDevices`: its target stops, whatever else it serves,
   * and stays so over restarts. Ends when its pools are closed. May be repeated.
   * @throws DaosError DER_NONEXIST.
   */
  setDeviceFaulty(path: string, why: string): Promise<void> {
    this.#addon.operations.command.begin().text(path).text(why);
    return this.#run('engineSetDeviceFaulty', asNothing);
  }

  /**
   * A new, empty share of the pool in place of the one that stood on a faulty device. The target
   * serves all its pools again, unless another of its devices is faulty. A device of the engine is
   * renewed before; then each target that lost its share of the pool with it gets a new one.
   * @throws DaosError DER_NONEXIST; DER_BUSY when the device is not faulty, or not renewed yet;
   *   DER_INVAL unless the loss of data is accepted; DER_NOSPACE.
   */
  replaceDevice(
    path: string,
    { pool = NO_POOL, sizes, containers, acceptsDataLoss }: DeviceReplacement,
  ): Promise<void> {
    const command = this.#addon.operations.command.begin();
    command.text(path).uuid(pool).u64(sizes.arenaBytes).u64(sizes.dataBytes);
    command.u8(acceptsDataLoss ? 1 : 0).u32(containers.length);
    for (const container of containers) command.uuid(container);
    return this.#run('engineReplaceDevice', asNothing);
  }

  /** The devices that the engine was given; none where pools lie in its data directory. */
  listDevices(): Promise<EngineDevice[]> {
    this.#addon.operations.command.begin();
    return this.#run('engineListDevices', asEngineDevices);
  }

  /**
   * Takes into use, empty, what lies at `path` now in place of a faulty device: it has to be blank,
   * or that device itself, unless forced. Shares of pools that lay there are lost:
   * `replaceDevice` makes each of them anew.
   * @throws DaosError DER_NONEXIST; DER_BUSY when it is not faulty, or in use; DER_EXIST when it is
   *   not blank; DER_NOSPACE when it is smaller.
   */
  renewDevice(path: string, { isForced = false }: { isForced?: boolean } = {}): Promise<void> {
    this.#addon.operations.command.begin().text(path).u8(isForced ? 1 : 0);
    return this.#run('engineRenewDevice', asNothing);
  }

  /** The pools in the data directory, open or not. */
  listPools(): Promise<string[]> {
    this.#addon.operations.command.begin();
    return this.#run('engineListPools', asTexts);
  }

  /** Ends sessions, makes everything durable, closes pools and ends the threads. */
  stop(): Promise<void> {
    this.#addon.operations.command.begin();
    return this.#run('engineStop', asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #run<T>(name: keyof EngineBinding, decode: Decode<T>): Promise<T> {
    return this.#addon.operations.run(this.#addon.binding[name], this.#handle, decode);
  }
}
