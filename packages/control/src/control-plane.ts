// The control plane of a system as an object: what the service offers over REST and an embedded
// system calls directly.

import { randomUUID } from 'node:crypto';
import type { PoolDescription, PoolDirectory } from '@daos/model';
import {
  changeContainerAttributes,
  changePoolAttributes,
  getContainerAttributes,
  getPoolAttributes,
  type AttributeChanges,
  type Attributes,
} from './attributes.js';
import { systemClock, type Clock } from './clock.js';
import {
  createContainer,
  createContainerSchema,
  type CreateContainerRequest,
} from './containers/create-container.js';
import {
  countContainers,
  describeContainer,
  listContainers,
  statusOf,
  type ContainerStatus,
} from './containers/describe-container.js';
import { changeProperties, type ChangePropertiesRequest } from './containers/change-properties.js';
import { destroyContainer } from './containers/destroy-container.js';
import { queryContainer, type ContainerQuery } from './containers/query-container.js';
import { relabelContainer } from './containers/relabel-container.js';
import type { ControlContext, Log } from './control-context.js';
import type { EngineDirectory } from './engines/engine-control.js';
import type { HostStorage, RankUsage } from './engines/host-scan.js';
import { KeyedMutex } from './keyed-mutex.js';
import { findLeader } from './leadership/find-leader.js';
import type { MetadataStore } from './metadata/metadata-store.js';
import { changePoolProperties } from './pools/change-properties.js';
import { createPool } from './pools/create-pool.js';
import {
  describePool,
  listPools,
  queryPool,
  summaryOf,
  type PoolStatus,
  type PoolSummary,
} from './pools/describe-pool.js';
import { destroyPool, type DestroyPoolOptions } from './pools/destroy-pool.js';
import {
  evictContainer,
  evictMachine,
  evictPool,
  type MachineEviction,
} from './pools/evict-pool.js';
import { findPool } from './pools/find-pool.js';
import { healPools, healRank } from './pools/heal-pools.js';
import type { CreatePoolRequest } from './pools/plan.js';
import { poolActivity, type PoolActivity } from './pools/pool-metrics.js';
import { relabelPool } from './pools/relabel-pool.js';
import { resizePool, type ResizePoolRequest } from './pools/resize-pool.js';
import { UnfinishedPools } from './pools/unfinished-pools.js';
import { hasQuota } from './quotas/balance-quota.js';
import { QuotaKeeper } from './quotas/quota-keeper.js';
import { callerAddress } from './ranks/caller-address.js';
import { clearExcludedRank, excludeRank } from './ranks/exclude-rank.js';
import { formatStorage, type FormatStorageRequest } from './ranks/format-storage.js';
import { identifyDevice, listDevices, type RankDevices } from './ranks/list-devices.js';
import { replaceDevice, setDeviceFaulty } from './ranks/manage-devices.js';
import { setLogLevel, type HostOutcome, type LogLevelName } from './ranks/log-levels.js';
import { powerRanks, type PowerAction, type RankOutcome } from './ranks/power-ranks.js';
import { RankLeases, type RankRenewal } from './ranks/rank-leases.js';
import {
  awaitFormat,
  joinRank,
  listRanks,
  setRankState,
  type JoinRequest,
} from './ranks/rank-registry.js';
import { rankUsage, scanHosts } from './ranks/storage.js';
import { answerAhead, type RequestIdentity } from './records/answer-record.js';
import type { ContainerFields } from './records/container-record.js';
import type { PoolProperties, PoolPropertyChanges } from './records/pool-properties.js';
import type { PoolFields } from './records/pool-record.js';
import type { RankFields } from './records/rank-record.js';
import type { SystemProperties, SystemPropertyChanges } from './records/system-properties.js';
import { Access } from './security/authorize.js';
import { CAPABILITY_LIFE_MS } from './security/capability.js';
import type { Caller } from './security/caller.js';
import {
  changeContainerOwnership,
  changePoolOwnership,
  getContainerOwnership,
  getPoolOwnership,
  type AclChanges,
  type OwnershipFields,
} from './security/change-acl.js';
import { changeSystemAttributes, getSystemAttributes } from './system-attributes.js';
import { changeSystemProperties, getSystemProperties } from './system-properties.js';
import { tracedEngines } from './tracing.js';
import {
  openContainer,
  type OpenContainer,
  type OpenContainerOptions,
} from './security/open-container.js';
import { createSnapshot } from './snapshots/create-snapshot.js';
import { destroySnapshot } from './snapshots/destroy-snapshot.js';
import { rollbackContainer } from './snapshots/rollback-container.js';
import type { ReportProgress } from './work-progress.js';
import {
  getSnapshot,
  listSnapshots,
  type CreateSnapshotRequest,
  type Snapshot,
} from './snapshots/snapshot.js';

export interface ControlPlaneOptions {
  /** Borrowed: whoever opened it closes it, after the control plane is no longer called. */
  readonly store: MetadataStore;
  readonly engines: EngineDirectory;
  readonly log: Log;
  readonly clock?: Clock;
  readonly term?: number;
  /** By which its servers know the system. Default: `daos_server`. */
  readonly systemName?: string;
  /** How long a capability opens containers. Default: 7 days. */
  readonly capabilityLifeMs?: number;
  readonly newUuid?: () => string;
}

export class ControlPlane implements PoolDirectory {
  readonly #context: ControlContext;
  readonly #leases: RankLeases;
  readonly #quotas: QuotaKeeper;
  readonly #unfinished: UnfinishedPools;
  readonly systemName: string;
  /** Of the host that acts; 0 where there is one alone. */
  readonly term: number;

  constructor(options: ControlPlaneOptions) {
    this.#context = {
      clock: systemClock,
      newUuid: randomUUID,
      capabilityLifeMs: CAPABILITY_LIFE_MS,
      ...options,
      engines: tracedEngines(options.engines),
      poolMutex: new KeyedMutex(),
    };
    this.#leases = new RankLeases(this.#context);
    this.#quotas = new QuotaKeeper(this.#context);
    this.#unfinished = new UnfinishedPools(this.#context);
    this.term = options.term ?? 0;
    this.systemName = options.systemName ?? 'daos_server';
  }

  get store(): MetadataStore {
    return this.#context.store;
  }

  /** Finishes what an earlier process left unfinished. To be called once, before anything else. */
  heal = (): Promise<void> => healPools(this.#context, this.#unfinished);

  /** Takes in a started engine and opens its pools. */
  async joinRank(request: JoinRequest): Promise<RankFields> {
    return await this.#leases.whileJoining(request.rank, async () => {
      const rank = await joinRank(this.#context, request);
      await healRank(this.#context, this.#unfinished, request.rank);
      await this.#quotas.watchRank(request.rank);
      return rank;
    });
  }

  /** Takes in a rank whose engine cannot start before its devices are formatted. */
  awaitFormat(request: JoinRequest, reason: string): Promise<void> {
    return awaitFormat(this.#context, request, reason);
  }

  formatStorage(request: FormatStorageRequest, report?: ReportProgress): Promise<RankOutcome[]> {
    return formatStorage(this.#context, request, report);
  }

  /** From now on a rank that is not renewed becomes suspect. */
  watchLeases(): Disposable {
    this.#leases.start();
    return { [Symbol.dispose]: () => this.#leases.stop() };
  }

  /** From now on targets that want more of a quota get it, while there is some. */
  watchQuotas(): Disposable {
    this.#quotas.start();
    return { [Symbol.dispose]: () => this.#quotas.stop() };
  }

  /** From now on what `heal` had to leave is tried again. */
  watchUnfinished(): Disposable {
    return this.#unfinished.start();
  }

  renewRanks(renewals: readonly RankRenewal[]): Promise<number[]> {
    return this.#leases.renew(renewals);
  }

  excludeRank(rank: number): Promise<void> {
    return excludeRank(this.#context, rank);
  }

  clearExcludedRank(rank: number): Promise<void> {
    return clearExcludedRank(this.#context, rank);
  }

  powerRanks(
    action: PowerAction,
    ranks?: readonly number[],
    report?: ReportProgress,
  ): Promise<RankOutcome[]> {
    return powerRanks(this.#context, action, ranks, report);
  }

  setRankState(rank: number, state: RankFields['state'], reason?: string): Promise<void> {
    return setRankState(this.#context, rank, state, reason);
  }

  listRanks(): Promise<RankFields[]> {
    return listRanks(this.#context);
  }

  async createPool(request: CreatePoolRequest, requestKey?: string): Promise<PoolDescription> {
    const pool = await createPool(this.#context, request, requestKey);
    return await describePool(this.#context, pool.uuid);
  }

  destroyPool(pool: string, options?: DestroyPoolOptions): Promise<void> {
    return destroyPool(this.#context, pool, options);
  }

  /** Of its data areas: the arenas stay as they are. */
  async resizePool(
    pool: string,
    request: ResizePoolRequest,
    report?: ReportProgress,
  ): Promise<PoolSummary> {
    return summaryOf(await resizePool(this.#context, pool, request, report));
  }

  getPool(pool: string): Promise<PoolDescription> {
    return describePool(this.#context, pool);
  }

  listPools(): Promise<PoolSummary[]> {
    return listPools(this.#context);
  }

  queryPool(pool: string): Promise<PoolStatus> {
    return queryPool(this.#context, pool, (uuid) => countContainers(this.#context, uuid));
  }

  poolActivity(pool: string): Promise<PoolActivity> {
    return poolActivity(this.#context, pool);
  }

  /** Options left out of `request` get their defaults. */
  async createContainer(
    pool: string,
    request: Partial<CreateContainerRequest> & { label: string },
    requestKey?: string,
  ): Promise<ContainerStatus> {
    const complete = createContainerSchema.parse(request);
    const made = await createContainer(this.#context, pool, complete, requestKey);
    if (hasQuota(made.properties)) await this.#quotas.watchContainersOf(made.poolUuid);
    return statusOf(made);
  }

  /** With its use of space, and its health. */
  queryContainer(pool: string, container: string): Promise<ContainerQuery> {
    return queryContainer(this.#context, pool, container);
  }

  changeContainerProperties(
    pool: string,
    container: string,
    changes: ChangePropertiesRequest,
  ): Promise<ContainerStatus> {
    const watch = (changed: PoolFields) => this.#quotas.watchPool(changed);
    return changeProperties(this.#context, pool, container, changes, watch);
  }

  destroyContainer(pool: string, container: string, request?: RequestIdentity): Promise<void> {
    return destroyContainer(this.#context, pool, container, request);
  }

  getContainer(pool: string, container: string): Promise<ContainerStatus> {
    return describeContainer(this.#context, pool, container);
  }

  /** DER_EXIST when another pool has the label. */
  async relabelPool(
    pool: string,
    label: string,
    request?: RequestIdentity,
  ): Promise<{ uuid: string; label: string }> {
    const { uuid } = await relabelPool(this.#context, pool, label, request);
    return { uuid, label };
  }

  /** Those that engines honour. */
  async getPoolProperties(pool: string): Promise<PoolProperties> {
    return (await findPool(this.#context, pool)).fields.properties;
  }

  changePoolProperties(pool: string, changes: PoolPropertyChanges): Promise<PoolProperties> {
    return changePoolProperties(this.#context, pool, changes);
  }

  async relabelContainer(
    pool: string,
    container: string,
    label: string,
    request?: RequestIdentity,
  ): Promise<ContainerStatus> {
    const answerOf = (next: ContainerFields) =>
      answerAhead(this.#context, request, statusOf(next));
    return statusOf(await relabelContainer(this.#context, pool, container, label, answerOf));
  }

  setLogLevel(level?: LogLevelName): Promise<HostOutcome[]> {
    return setLogLevel(this.#context, level);
  }

  scanHosts(): Promise<HostStorage[]> {
    return scanHosts(this.#context);
  }

  /** Where several control hosts share a store: the one that acts now. */
  getLeader(): Promise<{ url?: string; isAlone: boolean }> {
    return findLeader(this.store);
  }

  getSystemAttributes(): Promise<Attributes> {
    return getSystemAttributes(this.#context);
  }

  changeSystemAttributes(
    changes: AttributeChanges,
    request?: RequestIdentity,
  ): Promise<Attributes> {
    return changeSystemAttributes(this.#context, changes, request);
  }

  getSystemProperties(): Promise<SystemProperties> {
    return getSystemProperties(this.#context);
  }

  changeSystemProperties(changes: SystemPropertyChanges): Promise<SystemProperties> {
    return changeSystemProperties(this.#context, changes);
  }

  /** By which engines reach a caller that is seen at `seen`. */
  callerAddress(seen: string): Promise<string> {
    return callerAddress(this.#context, seen);
  }

  listDevices(): Promise<RankDevices[]> {
    return listDevices(this.#context);
  }

  /** Lights the slot of a device up, or no longer. */
  identifyDevice(rank: number, path: string, isOn: boolean): Promise<void> {
    return identifyDevice(this.#context, rank, path, isOn);
  }

  /** Gives a device up: its target stops, with all that it serves. */
  setDeviceFaulty(rank: number, path: string): Promise<void> {
    return setDeviceFaulty(this.#context, rank, path);
  }

  /** An empty share of its pool in place of what stood on a faulty device. */
  replaceDevice(rank: number, path: string, acceptsDataLoss: boolean): Promise<void> {
    return replaceDevice(this.#context, rank, path, acceptsDataLoss);
  }

  rankUsage(): Promise<RankUsage[]> {
    return rankUsage(this.#context);
  }

  /** What `caller` may touch. The methods here ask nobody. */
  accessOf(caller: Caller): Access {
    return new Access(this.#context, caller);
  }

  /** What a client needs to open a container on the engines. */
  openContainer(
    pool: string,
    container: string,
    options?: OpenContainerOptions,
  ): Promise<OpenContainer> {
    return openContainer(this.#context, pool, container, options);
  }

  evictPool(pool: string): Promise<void> {
    return evictPool(this.#context, pool);
  }

  evictContainer(pool: string, container: string): Promise<void> {
    return evictContainer(this.#context, pool, container);
  }

  /** What a machine has opened, of any pool. */
  evictMachine(machine: string): Promise<MachineEviction[]> {
    return evictMachine(this.#context, machine);
  }

  getPoolOwnership(pool: string): Promise<OwnershipFields> {
    return getPoolOwnership(this.#context, pool);
  }

  changePoolOwnership(
    pool: string,
    changes: AclChanges,
    request?: RequestIdentity,
  ): Promise<OwnershipFields> {
    return changePoolOwnership(this.#context, pool, changes, request);
  }

  getContainerOwnership(pool: string, container: string): Promise<OwnershipFields> {
    return getContainerOwnership(this.#context, pool, container);
  }

  changeContainerOwnership(
    pool: string,
    container: string,
    changes: AclChanges,
    request?: RequestIdentity,
  ): Promise<OwnershipFields> {
    return changeContainerOwnership(this.#context, pool, container, changes, request);
  }

  getPoolAttributes(pool: string): Promise<Attributes> {
    return getPoolAttributes(this.#context, pool);
  }

  changePoolAttributes(
    pool: string,
    changes: AttributeChanges,
    request?: RequestIdentity,
  ): Promise<Attributes> {
    return changePoolAttributes(this.#context, pool, changes, request);
  }

  getContainerAttributes(pool: string, container: string): Promise<Attributes> {
    return getContainerAttributes(this.#context, pool, container);
  }

  changeContainerAttributes(
    pool: string,
    container: string,
    changes: AttributeChanges,
    request?: RequestIdentity,
  ): Promise<Attributes> {
    return changeContainerAttributes(this.#context, pool, container, changes, request);
  }

  /** `snapshot` is a name or an epoch here and below. */
  getSnapshot(pool: string, container: string, snapshot: string): Promise<Snapshot> {
    return getSnapshot(this.#context, pool, container, snapshot);
  }

  listSnapshots(pool: string, container: string): Promise<Snapshot[]> {
    return listSnapshots(this.#context, pool, container);
  }

  createSnapshot(
    pool: string,
    container: string,
    request: CreateSnapshotRequest = {},
    requestKey?: string,
  ): Promise<Snapshot> {
    return createSnapshot(this.#context, pool, container, request, requestKey);
  }

  destroySnapshot(
    pool: string,
    container: string,
    snapshot: string,
    request?: RequestIdentity,
  ): Promise<void> {
    return destroySnapshot(this.#context, pool, container, snapshot, request);
  }

  rollbackContainer(
    pool: string,
    container: string,
    snapshot: string,
    request?: RequestIdentity,
  ): Promise<Snapshot> {
    return rollbackContainer(this.#context, pool, container, snapshot, request);
  }

  /** Those that `access` lets its caller see; all when left out. */
  listContainers(pool: string, access?: Access): Promise<ContainerStatus[]> {
    return listContainers(this.#context, pool, access && ((fields) => access.sees(fields)));
  }
}
