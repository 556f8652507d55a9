// An open container: an isolated space of objects.
import type { ContainerDescription, ObjectId } from '@daos/model';
import { asNothing, type Handle } from '@daos/native';
import type { ClientAddon } from './binding.js';
import { ByteArray, type ByteArrayOptions } from './byte-array.js';
import { listPages, type ListOptions } from './enumeration.js';
import { KeyValue } from './key-value.js';
import { DaosObject } from './object.js';

export class Container implements AsyncDisposable {
  readonly uuid: string;
  readonly label: string;
  readonly poolUuid: string;
  /** By name, as `daos container get-prop` prints them. */
  readonly properties: ContainerDescription['properties'];
  readonly #addon: ClientAddon;
  readonly #handle: Handle;

  constructor(addon: ClientAddon, handle: Handle, description: ContainerDescription) {
    this.#addon = addon;
    this.#handle = handle;
    this.uuid = description.uuid;
    this.label = description.label;
    this.poolUuid = description.poolUuid;
    this.properties = description.properties;
  }

  /**
   * The object with this id. Objects need not be created and exist as long as they hold something;
   * nothing is sent, and there is nothing to close.
   */
  object(oid: ObjectId): DaosObject {
    return new DaosObject(this.#addon, this.#handle, oid);
  }

  /**
   * The object with this id as a flat key-value store.
   * Its type should be KV_HASHED, KV_LEXICAL (keys in order) or KV_UINT64.
   */
  keyValue(oid: ObjectId): KeyValue {
    return new KeyValue(this.#addon, this.#handle, oid);
  }

  /** The object with this id as an array of bytes. Its type should be ARRAY_BYTE. */
  byteArray(oid: ObjectId, options?: ByteArrayOptions): ByteArray {
    return new ByteArray(this.#addon, this.#handle, oid, options);
  }

  /** The ids of all objects that hold something, in no particular order. */
  async *objects(options: ListOptions = {}): AsyncGenerator<ObjectId, void, undefined> {
    const target = { addon: this.#addon, container: this.#handle, oid: 0n };
    for await (const { entries } of listPages(target, 'objects', [], options)) yield* entries;
  }

  close(): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin();
    return operations.run(binding.containerClose, this.#handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
