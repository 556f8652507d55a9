// A flat key-value store in one object.
import type { Epoch, ObjectId } from '@daos/model';
import type { Condition, Handle, Key } from '@daos/native';
import type { ClientAddon } from './binding.js';
import type { ListOptions } from './enumeration.js';
import type { OperationOptions } from './object-io.js';
import { DaosObject } from './object.js';

/** Where DAOS keeps the value of a key. */
const AKEY = '0';
/** Values of a page that are read at the same time. */
const PARALLEL_COUNT = 16;

export interface PutOptions extends Omit<OperationOptions, 'conditions'> {
  /**
   * Store only if the key is absent (else DER_EXIST) or present (else DER_NONEXIST). Default: store
   * in either case.
   */
  onlyIf?: 'absent' | 'present';
}

const CONDITIONS: Record<'absent' | 'present', readonly Condition[]> = {
  absent: ['dkeyInsert'],
  present: ['dkeyUpdate'],
};

/**
 * Keys and values, made by Container.keyValue. The keys are spread over all targets; each operation
 * on a key is atomic. Errors are those of DaosObject.
 */
export class KeyValue {
  readonly oid: ObjectId;
  readonly #object: DaosObject;

  /** @param epoch what reads see that name none; 0 is the newest. */
  constructor(addon: ClientAddon, container: Handle, oid: ObjectId, epoch: Epoch = 0n) {
    this.oid = oid;
    this.#object = new DaosObject(addon, container, oid, epoch);
  }

  /** Stores a value under a key, replacing it whole. Text is stored as UTF-8. */
  put(
    key: Key,
    value: Uint8Array | string,
    { onlyIf, ...options }: PutOptions = {},
  ): Promise<Epoch> {
    const conditions = onlyIf === undefined ? [] : CONDITIONS[onlyIf];
    return this.#object.update(key, AKEY, value, { ...options, conditions });
  }

  /** The value of a key, or undefined where there is none. */
  get(key: Key, options?: OperationOptions): Promise<Uint8Array | undefined> {
    return this.#object.fetch(key, AKEY, options);
  }

  /** Reads a value into memory of the caller; returns its size, 0 where there is none. */
  getInto(key: Key, into: Uint8Array, options?: OperationOptions): Promise<number> {
    return this.#object.fetchInto(key, AKEY, into, options);
  }

  /** Bytes of a value; 0 where there is none. */
  sizeOf(key: Key, options?: OperationOptions): Promise<number> {
    return this.#object.sizeOf(key, AKEY, options);
  }

  /** Whether the key is there. */
  async has(key: Key, options?: OperationOptions): Promise<boolean> {
    return (await this.sizeOf(key, options)) > 0;
  }

  /** Deletes a key. With `mustExist` an absent one fails with DER_NONEXIST. */
  remove(
    key: Key,
    { mustExist = false, ...options }: OperationOptions & { mustExist?: boolean } = {},
  ): Promise<Epoch> {
    const conditions: Condition[] = mustExist ? ['dkeyPunch'] : [];
    return this.#object.punchDkey(key, { ...options, conditions });
  }

  /** Deletes all keys. */
  clear(options?: OperationOptions): Promise<Epoch> {
    return this.#object.punch(options);
  }

  /** All keys: in order for lexical and integer keys. */
  keys(options?: ListOptions): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#object.dkeys(options);
  }

  /** All keys and values; what is removed meanwhile is left out. */
  async *entries(options: ListOptions = {}): AsyncGenerator<[Uint8Array, Uint8Array], void> {
    const { epoch, signal } = options;
    const readOptions = { ...(epoch !== undefined && { epoch }), ...(signal && { signal }) };
    for await (const { entries } of this.#object.dkeyPages(options)) {
      for (let at = 0; at < entries.length; at += PARALLEL_COUNT) {
        const keys = entries.slice(at, at + PARALLEL_COUNT);
        const values = await Promise.all(keys.map((key) => this.get(key, readOptions)));
        for (const [i, value] of values.entries()) {
          if (value !== undefined) yield [keys[i] as Uint8Array, value];
        }
      }
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<[Uint8Array, Uint8Array], void> {
    return this.entries();
  }
}
