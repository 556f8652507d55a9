// An open pool: its map, from which containers are opened.
import {
  DaosError,
  type Epoch,
  type OpenedContainer,
  type PoolDescription,
  type PoolDirectory,
} from '@daos/model';
import type { Tracer } from '@opentelemetry/api';
import { asNothing, asNumber, writePoolMap, type Handle } from '@daos/native';
import type { ClientAddon } from './binding.js';
import { checksumsOf } from './checksums.js';
import { Container } from './container.js';
import { inSpan } from './tracing.js';
import { MapRefresh } from './map-refresh.js';

export interface ContainerOptions {
  /** Refuse writes through this handle, with DER_NO_PERM. Default false. */
  readOnly?: boolean;
  /**
   * Read a snapshot, by its name or epoch: nothing can be written through this handle. Default: the
   * newest state.
   */
  snapshot?: string | Epoch;
  /** Gives the opening up; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface AttachOptions extends Omit<ContainerOptions, 'snapshot'> {
  /** Of a snapshot, in decimal; the container is opened read-only then. */
  snapshotEpoch?: string;
}

/**
 * What another process or worker needs to open the same pool: plain data, for JSON or postMessage.
 * It holds the pool map as it was; the new owner's refresh() asks for a newer one.
 */
export type SharedPool = PoolDescription;

/** The client that a pool belongs to. */
export interface PoolOwner {
  readonly addon: ClientAddon;
  readonly client: Handle;
  readonly directory: PoolDirectory;
  /** Those that are open, or have open containers. */
  readonly pools: Set<Pool>;
  readonly tracer: Tracer | undefined;
}

/**
 * An open pool, made by Client.openPool: where its targets are.
 *
 * Its operations may fail with DER_NO_HDL after it or the client was closed.
 */
export class Pool implements AsyncDisposable {
  /** What the pool was opened by names it no longer: labels may move, UUIDs stay. */
  readonly uuid: string;
  /** As it was when the pool was opened. */
  readonly label: string;
  readonly #owner: PoolOwner;
  readonly #addon: ClientAddon;
  readonly #handle: Handle;
  readonly #directory: PoolDirectory;
  readonly #mapRefresh: MapRefresh;
  readonly #containers = new Set<Container>();
  #isClosed = false;
  #description: PoolDescription;

  private constructor(owner: PoolOwner, handle: Handle, description: PoolDescription) {
    const { uuid, label } = description;
    const { addon, directory } = owner;
    this.#owner = owner;
    this.#description = description;
    this.#addon = addon;
    this.#handle = handle;
    this.#directory = directory;
    this.uuid = uuid;
    this.label = label;
    this.#mapRefresh = new MapRefresh(addon, () => this.#refreshMap());
  }

  /** For Client.openPool and Client.attachPool. */
  static async attach(
    owner: PoolOwner,
    description: PoolDescription,
    signal?: AbortSignal,
  ): Promise<Pool> {
    const { operations, binding } = owner.addon;
    writePoolMap(operations.command.begin().uuid(description.uuid), description.map);
    const { client } = owner;
    const handle = await operations.run(binding.poolOpen, client, asNumber, undefined, signal);
    const pool = new Pool(owner, handle, description);
    owner.pools.add(pool);
    return pool;
  }

  /** For other processes and workers, which open it by Client.attachPool. */
  share(): SharedPool {
    return structuredClone(this.#description);
  }

  /**
   * Opens a container by label or UUID. What its properties say of checksums holds for all that is
   * written through it: data that was damaged anywhere is DER_CSUM when it is read.
   * @throws DaosError DER_NONEXIST, DER_NO_PERM; DER_UNREACH and DER_TIMEDOUT of the control
   * service or an engine.
   */
  async openContainer(name: string, options: ContainerOptions = {}): Promise<Container> {
    const { signal } = options;
    signal?.throwIfAborted();
    return await inSpan(this.#owner.tracer, 'daos.openContainer', () => this.#open(name, options));
  }

  async #open(name: string, options: ContainerOptions): Promise<Container> {
    const { snapshot, signal } = options;
    const { readOnly = snapshot !== undefined } = options;
    const wanted = { readOnly, ...(signal && { signal }) };
    const found = this.#directory.openContainer
      ? await this.#directory.openContainer(this.uuid, name, wanted)
      : { ...(await this.#directory.getContainer(this.uuid, name, signal)), capability: '' };
    const snapshotEpoch = await this.#findSnapshot(found.uuid, options);
    return await this.attachContainer(found, {
      readOnly,
      ...(snapshotEpoch !== undefined && { snapshotEpoch }),
      ...(signal && { signal }),
    });
  }

  /** @throws DaosError DER_NONEXIST; DER_NOSYS where the directory knows no snapshots. */
  async #findSnapshot(
    container: string,
    { snapshot, readOnly, signal }: ContainerOptions,
  ): Promise<string | undefined> {
    if (snapshot === undefined) return undefined;
    if (readOnly === false) throw new DaosError('DER_INVAL', 'a snapshot is read, not written');
    if (typeof snapshot === 'bigint') return String(snapshot);
    if (!this.#directory.getSnapshot) {
      throw new DaosError('DER_NOSYS', 'this directory of pools knows no snapshots by name');
    }
    return (await this.#directory.getSnapshot(this.uuid, container, snapshot, signal)).epoch;
  }

  /** For Client.attachContainer: a container whose description is known already. */
  async attachContainer(
    found: OpenedContainer,
    { readOnly = false, snapshotEpoch, signal }: AttachOptions = {},
  ): Promise<Container> {
    this.#checkOpen();
    const { uuid, label, properties, capability, capabilityLifeMs } = found;
    const { operations, binding } = this.#addon;
    const { type, chunkBytes, isVerifiedByServer } = checksumsOf(found);
    operations.command
      .begin()
      .uuid(uuid)
      .boolean(readOnly)
      .bytes(Buffer.from(capability, 'base64'))
      .u8(type)
      .u32(chunkBytes)
      .boolean(isVerifiedByServer);
    const handle = await operations.run(
      binding.containerOpen,
      this.#handle,
      asNumber,
      undefined,
      signal,
    );
    const container = {
      ...{ uuid, label, properties, capability, poolUuid: this.uuid },
      ...(capabilityLifeMs !== undefined && { capabilityLifeMs }),
    };
    const shared = { pool: this.share(), container, readOnly };
    const opened = new Container(
      this.#addon,
      handle,
      { ...shared, ...(snapshotEpoch !== undefined && { snapshotEpoch }) },
      this.#directory,
      async () => {
        if (this.#containers.delete(opened)) await this.#release();
      },
    );
    this.#containers.add(opened);
    return opened;
  }

  /**
   * Fetches the pool map again, as after an engine has moved. Operations that wait for a target go
   * on with the new map. While operations wait, that is done by itself.
   * @throws DaosError DER_NONEXIST for a pool that was destroyed; DER_UNREACH and DER_TIMEDOUT of
   * the control service.
   */
  async refresh({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#checkOpen();
    await this.#refreshMap(signal);
  }

  async #refreshMap(signal?: AbortSignal): Promise<void> {
    const description = await this.#directory.getPool(this.uuid, signal);
    const { operations, binding } = this.#addon;
    writePoolMap(operations.command.begin(), description.map);
    await operations.run(binding.poolUpdateMap, this.#handle, asNothing, undefined, signal);
    this.#description = description;
  }

  /** Containers opened through the pool stay open, and find targets that move. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#release();
  }

  /** For Client.close, which ends all that the core has. */
  abandon(): void {
    this.#isClosed = true;
    this.#mapRefresh.stop();
  }

  /** Once nothing needs it any more. */
  async #release(): Promise<void> {
    if (!this.#isClosed || this.#containers.size > 0) return;
    this.#mapRefresh.stop();
    this.#owner.pools.delete(this);
    const { operations, binding } = this.#addon;
    operations.command.begin();
    await operations.run(binding.poolClose, this.#handle, asNothing);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new DaosError('DER_NO_HDL', `pool '${this.label}' was closed`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
