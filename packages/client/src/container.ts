// An open container: an isolated space of objects.
import {
  OBJECT_CLASSES,
  objectClassOf,
  type ContainerDescription,
  type Epoch,
  type ObjectId,
  type OpenedContainer,
  type PoolDescription,
  type PoolDirectory,
} from '@daos/model';
import { asNothing, type Handle } from '@daos/native';
import type { ClientAddon } from './binding.js';
import { ByteArray, type ByteArrayOptions } from './byte-array.js';
import { CapabilityRenewal } from './capability-renewal.js';
import { differences, type Difference, type DiffOptions } from './diff.js';
import { listPages, type ListOptions, type ListTarget } from './enumeration.js';
import { KeyValue } from './key-value.js';
import { DaosObject } from './object.js';

/**
 * What another process or worker needs to open the same container: plain data, for JSON or
 * postMessage. Where engines check who comes, it holds the capability of whoever opened it: give it
 * to none but those who may do the same.
 */
export interface SharedContainer {
  pool: PoolDescription;
  container: OpenedContainer;
  readOnly: boolean;
  /** The snapshot that is read, in decimal; the newest state when left out. */
  snapshotEpoch?: string;
}

/**
 * An open container, made by Pool.openContainer: its objects, by id.
 *
 * What is made from it may fail with DER_NO_HDL after it or the client was closed.
 */
export class Container implements AsyncDisposable {
  /** Its identity, as text in the form 8-4-4-4-12. */
  readonly uuid: string;
  /** As it was when the container was opened. */
  readonly label: string;
  /** The pool it lies in. */
  readonly poolUuid: string;
  /** By name, as `daos container get-prop` prints them. */
  readonly properties: ContainerDescription['properties'];
  readonly #addon: ClientAddon;
  readonly #handle: Handle;
  #shared: SharedContainer;
  readonly #renewal: CapabilityRenewal;
  readonly #onClosed: () => Promise<void>;
  /** The epoch of the snapshot that is open; undefined: the newest state. */
  readonly snapshotEpoch: Epoch | undefined;

  /** @param directory gives it a new capability before its own expires. */
  constructor(
    addon: ClientAddon,
    handle: Handle,
    shared: SharedContainer,
    directory: PoolDirectory,
    onClosed: () => Promise<void>,
  ) {
    this.#onClosed = onClosed;
    const description = shared.container;
    this.#addon = addon;
    this.#handle = handle;
    this.#shared = shared;
    this.uuid = description.uuid;
    this.label = description.label;
    this.poolUuid = description.poolUuid;
    this.properties = description.properties;
    const { snapshotEpoch } = shared;
    this.snapshotEpoch = snapshotEpoch === undefined ? undefined : BigInt(snapshotEpoch);
    this.#renewal = new CapabilityRenewal(directory, shared, (opened) => this.#renew(opened));
  }

  /**
   * The object with this id. Objects need not be created and exist as long as they hold something;
   * nothing is sent, and there is nothing to close.
   */
  object(oid: ObjectId): DaosObject {
    return new DaosObject(this.#addon, this.#handle, oid, this.snapshotEpoch);
  }

  /**
   * The object with this id as a flat key-value store.
   * Its type should be KV_HASHED, KV_LEXICAL (keys in order) or KV_UINT64.
   */
  keyValue(oid: ObjectId): KeyValue {
    return new KeyValue(this.#addon, this.#handle, oid, this.snapshotEpoch);
  }

  /**
   * The object with this id as an array of bytes. Its type should be ARRAY_BYTE. Its chunks have
   * the size that the container's property `chunk_size` says, unless the options do.
   */
  byteArray(oid: ObjectId, options?: ByteArrayOptions): ByteArray {
    const { chunk_size: chunkSize } = this.properties;
    const ofContainer = typeof chunkSize === 'number' && { chunkSize };
    return new ByteArray({ ...this.#target, oid }, { ...ofContainer, ...options });
  }

  /**
   * The ids of all objects that hold something, each once, in no particular order.
   *
   * Objects on several targets are remembered while the list goes on, since each target tells its
   * own: some 100 bytes for each of them.
   */
  async *objects(
    options: Omit<ListOptions, 'anchor'> = {},
  ): AsyncGenerator<ObjectId, void, undefined> {
    const seen = new Set<ObjectId>();
    for await (const { entries } of listPages(this.#target, 'objects', [], options)) {
      for (const oid of entries) {
        if (isOnOneTarget(oid)) yield oid;
        else if (!seen.has(oid)) {
          seen.add(oid);
          yield oid;
        }
      }
    }
  }

  /**
   * What changed from one epoch to another, which are those of snapshots; the second one is now (or
   * the snapshot that is open) when left out. Objects and keys that came or went are told once, not
   * with all that they hold; where both sides have an akey its values are compared.
   */
  diff(from: Epoch, to?: Epoch, options?: DiffOptions): AsyncGenerator<Difference, void> {
    return differences(this, { from, to: to ?? this.snapshotEpoch }, options);
  }

  /** For other processes and workers, which open it by Client.attachContainer. */
  share(): SharedContainer {
    return structuredClone(this.#shared);
  }

  /** Objects made from it are of no use afterwards. */
  async close(): Promise<void> {
    this.#renewal.stop();
    const { operations, binding } = this.#addon;
    operations.command.begin();
    await operations.run(binding.containerClose, this.#handle, asNothing);
    await this.#onClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #renew(container: OpenedContainer): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin().bytes(Buffer.from(container.capability, 'base64'));
    await operations.run(binding.containerSetCapability, this.#handle, asNothing);
    this.#shared = { ...this.#shared, container };
  }

  get #target(): ListTarget {
    const epoch = this.snapshotEpoch ?? 0n;
    return { addon: this.#addon, container: this.#handle, oid: 0n, epoch };
  }
}

function isOnOneTarget(oid: ObjectId): boolean {
  const name = objectClassOf(oid);
  if (name === undefined) return false;
  const { groupCount, dataCount, copyCount, parityCount } = OBJECT_CLASSES[name];
  return groupCount === 1 && dataCount * copyCount + parityCount === 1;
}
