// An object: dkey → akey → single value or array of records.
import { DaosError, formatObjectId, type Epoch, type ObjectId } from '@daos/model';
import {
  AnswerReader,
  asBigint,
  asNumber,
  bytesOf,
  checkRoom,
  decodeExtent,
  decodeResults,
  descriptorOf,
  FetchBuffers,
  perAkeyBit,
  writeDescriptors,
  writeExtent,
  writeSingle,
  type AkeyFetch,
  type AkeyResult,
  type AkeyUpdate,
  type Decode,
  type ExtentInput,
  type Handle,
  type Key,
} from '@daos/native';
import type { ClientAddon } from './binding.js';
import { listPages, type ListedExtent, type ListOptions, type Page } from './enumeration.js';
import { beginOperation, type ObjectTarget, type OperationOptions } from './object-io.js';

export interface ArrayOptions extends OperationOptions {
  /** Bytes of one record: chosen by the first write, the same ever after. Default 1. */
  recordSize?: number;
}

/** What a query found. */
export interface QueryResult {
  dkey: bigint;
  akey: bigint;
  /** The extent asked for, in records. */
  index: bigint;
  count: bigint;
  recordSize: number;
}

const PUNCH_OBJECT = 0;
const PUNCH_DKEY = 1;
const PUNCH_AKEYS = 2;
const QUERY_MAX = 1 << 0;
const QUERY_MIN = 1 << 1;
const QUERY_DKEY = 1 << 2;
const QUERY_AKEY = 1 << 3;
const QUERY_EXTENT = 1 << 4;
const NO_KEY = new Uint8Array();

/**
 * One object of a container, made by Container.object.
 *
 * All akeys under one dkey are stored together, and one operation on several of them is atomic.
 * Writes answer their epoch. Memory given to an operation belongs to it until its promise is
 * settled.
 *
 * Every operation may fail with DER_TIMEDOUT, DER_UNREACH (the target is gone; a write may or may
 * not have happened), DER_NO_HDL after the container or client was closed; writes also with
 * DER_NOSPACE, and with DER_NO_PERM through a read-only container.
 */
export class DaosObject {
  readonly oid: ObjectId;
  readonly #target: ObjectTarget;
  readonly #container: Handle;
  readonly #buffers = new FetchBuffers();

  /** @param epoch what reads see that name none; 0 is the newest. */
  constructor(addon: ClientAddon, container: Handle, oid: ObjectId, epoch: Epoch = 0n) {
    this.oid = oid;
    this.#container = container;
    this.#target = { addon, container, oid, epoch };
  }

  /**
   * Stores a single value, replacing it whole. Text is stored as UTF-8.
   * @throws DaosError DER_INVAL for an empty key or value, DER_KEY2BIG, DER_REC2BIG over 64 MiB.
   */
  update(
    dkey: Key,
    akey: Key,
    value: Uint8Array | string,
    options: OperationOptions = {},
  ): Promise<Epoch> {
    const data = bytesOf(value);
    if (data.byteLength === 0) return Promise.reject(emptyValue(this));
    const command = beginOperation(this.#target, options).key(dkey);
    writeSingle(command, akey, data.byteLength);
    return this.#run('objectUpdate', asBigint, options, data);
  }

  /** A single value, or undefined where there is none. */
  async fetch(
    dkey: Key,
    akey: Key,
    options: OperationOptions = {},
  ): Promise<Uint8Array | undefined> {
    for (;;) {
      const into = this.#buffers.take();
      const size = await this.#fetchSize(dkey, akey, into, options);
      const value = this.#buffers.use(into, size);
      // The value was larger than the last ones: the next buffer is large enough.
      if (value !== null) return value;
    }
  }

  /**
   * Reads a single value into memory of the caller, without a copy; returns its size in bytes, 0
   * where there is none.
   * @throws DaosError DER_REC2BIG when the value is larger than `into`, which is then unchanged.
   */
  fetchInto(
    dkey: Key,
    akey: Key,
    into: Uint8Array,
    options: OperationOptions = {},
  ): Promise<number> {
    const room = into.byteLength;
    const command = beginOperation(this.#target, options).key(dkey);
    writeSingle(command, akey, room);
    const decode: Decode<number> = (low, high) => {
      const size = asNumber(low, high, undefined);
      checkRoom(size, room);
      return size;
    };
    return this.#run('objectFetch', decode, options, into);
  }

  /** Bytes of a single value, or of one record of an array; 0 where there is none. */
  sizeOf(dkey: Key, akey: Key, options: OperationOptions = {}): Promise<number> {
    return this.#fetchSize(dkey, akey, undefined, options);
  }

  /**
   * Writes records of an array, from `index` on.
   * @throws DaosError DER_IO_INVAL when `data` is not whole records, DER_REC_SIZE for another
   * record size than the array's.
   */
  updateArray(
    dkey: Key,
    akey: Key,
    index: number | bigint,
    data: Uint8Array,
    options: ArrayOptions = {},
  ): Promise<Epoch> {
    const { recordSize = 1 } = options;
    const command = beginOperation(this.#target, options).key(dkey);
    writeExtent(command, akey, recordSize, index, data.byteLength / recordSize);
    return this.#run('objectUpdate', asBigint, options, data);
  }

  /**
   * Reads records of an array from `index` on, as many as `into` has room for. Holes leave their
   * part of `into` as it was; the result says what is there.
   * @throws DaosError DER_REC_SIZE for another record size than the array's.
   */
  fetchArray(
    dkey: Key,
    akey: Key,
    index: number | bigint,
    into: Uint8Array,
    options: ArrayOptions = {},
  ): Promise<AkeyResult> {
    const { recordSize = 1 } = options;
    const command = beginOperation(this.#target, options).key(dkey);
    writeExtent(command, akey, recordSize, index, into.byteLength / recordSize);
    return this.#run('objectFetch', decodeExtent(recordSize), options, into);
  }

  /** Makes holes of a range of records. */
  punchArray(
    dkey: Key,
    akey: Key,
    extents: readonly ExtentInput[],
    options: OperationOptions = {},
  ): Promise<Epoch> {
    const value = new Uint8Array();
    return this.updateAkeys(dkey, [{ akey, value, extents, recordSize: 0 }], options);
  }

  /** Writes several akeys under one dkey as one: all or nothing. */
  updateAkeys(
    dkey: Key,
    akeys: readonly AkeyUpdate[],
    options: OperationOptions = {},
  ): Promise<Epoch> {
    const data = akeys.map(({ value }) => bytesOf(value));
    const descriptors = akeys.map((akey, i) => descriptorOf(akey, data[i]?.byteLength ?? 0));
    const command = beginOperation(this.#target, options, perAkeyBit(akeys)).key(dkey);
    writeDescriptors(command, descriptors);
    return this.#run('objectUpdate', asBigint, options, data);
  }

  /** Reads several akeys under one dkey as of one moment. */
  fetchAkeys(
    dkey: Key,
    akeys: readonly AkeyFetch[],
    options: OperationOptions = {},
  ): Promise<AkeyResult[]> {
    const into = akeys.map((akey) => akey.into);
    const descriptors = akeys.map((akey) => descriptorOf(akey, akey.into.byteLength));
    const command = beginOperation(this.#target, options, perAkeyBit(akeys)).key(dkey);
    writeDescriptors(command, descriptors);
    return this.#run('objectFetch', decodeResults(descriptors), options, into);
  }

  /** Deletes the object: everything in it. What is written later is a new incarnation. */
  punch(options: OperationOptions = {}): Promise<Epoch> {
    return this.#punch(PUNCH_OBJECT, NO_KEY, [], options);
  }

  /** Deletes a dkey with all its akeys. */
  punchDkey(dkey: Key, options: OperationOptions = {}): Promise<Epoch> {
    return this.#punch(PUNCH_DKEY, dkey, [], options);
  }

  /** Deletes akeys of a dkey as one. */
  punchAkeys(dkey: Key, akeys: readonly Key[], options: OperationOptions = {}): Promise<Epoch> {
    return this.#punch(PUNCH_AKEYS, dkey, akeys, options);
  }

  /** All dkeys: in order for lexical and integer keys, in an order of their own for hashed ones. */
  async *dkeys(options: ListOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { entries } of this.dkeyPages(options)) yield* entries;
  }

  /** The same in pages, each with an anchor to go on from. */
  dkeyPages(options: ListOptions = {}): AsyncGenerator<Page<Uint8Array>, void, undefined> {
    return listPages(this.#target, 'dkeys', [], options);
  }

  /** All akeys of a dkey. */
  async *akeys(dkey: Key, options: ListOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { entries } of this.akeyPages(dkey, options)) yield* entries;
  }

  /** The same in pages, each with an anchor to go on from. */
  akeyPages(
    dkey: Key,
    options: ListOptions = {},
  ): AsyncGenerator<Page<Uint8Array>, void, undefined> {
    return listPages(this.#target, 'akeys', [dkey], options);
  }

  /** What an array holds, in order of index. */
  async *extents(
    dkey: Key,
    akey: Key,
    options: ListOptions = {},
  ): AsyncGenerator<ListedExtent, void, undefined> {
    for await (const { entries } of listPages(this.#target, 'extents', [dkey, akey], options)) {
      yield* entries;
    }
  }

  /** The greatest integer dkey, or undefined when there is none. */
  async maxDkey(options: OperationOptions = {}): Promise<bigint | undefined> {
    return (await this.#query(QUERY_MAX | QUERY_DKEY, [], options))?.dkey;
  }

  /** The least integer dkey, or undefined when there is none. */
  async minDkey(options: OperationOptions = {}): Promise<bigint | undefined> {
    return (await this.#query(QUERY_MIN | QUERY_DKEY, [], options))?.dkey;
  }

  /** The greatest integer akey of a dkey, or undefined when there is none. */
  async maxAkey(dkey: Key, options: OperationOptions = {}): Promise<bigint | undefined> {
    return (await this.#query(QUERY_MAX | QUERY_AKEY, [dkey], options))?.akey;
  }

  /** The least integer akey of a dkey, or undefined when there is none. */
  async minAkey(dkey: Key, options: OperationOptions = {}): Promise<bigint | undefined> {
    return (await this.#query(QUERY_MIN | QUERY_AKEY, [dkey], options))?.akey;
  }

  /** The last records of an array, or undefined when there are none. */
  maxExtent(
    dkey: Key,
    akey: Key,
    options: OperationOptions = {},
  ): Promise<QueryResult | undefined> {
    return this.#query(QUERY_MAX | QUERY_EXTENT, [dkey, akey], options);
  }

  /** The first records of an array, or undefined when there are none. */
  minExtent(
    dkey: Key,
    akey: Key,
    options: OperationOptions = {},
  ): Promise<QueryResult | undefined> {
    return this.#query(QUERY_MIN | QUERY_EXTENT, [dkey, akey], options);
  }

  toString(): string {
    return `object ${formatObjectId(this.oid)}`;
  }

  #fetchSize(
    dkey: Key,
    akey: Key,
    into: Uint8Array | undefined,
    options: OperationOptions,
  ): Promise<number> {
    const command = beginOperation(this.#target, options).key(dkey);
    writeSingle(command, akey, into?.byteLength ?? 0);
    return this.#run('objectFetch', asNumber, options, into);
  }

  #punch(
    level: number,
    dkey: Key,
    akeys: readonly Key[],
    options: OperationOptions,
  ): Promise<Epoch> {
    const command = beginOperation(this.#target, options).u32(level);
    if (level === PUNCH_OBJECT) command.bytes(NO_KEY);
    else command.key(dkey);
    command.u32(akeys.length);
    for (const akey of akeys) command.key(akey);
    return this.#run('objectPunch', asBigint, options);
  }

  async #query(
    flags: number,
    [dkey, akey]: readonly Key[],
    options: OperationOptions,
  ): Promise<QueryResult | undefined> {
    const command = beginOperation(this.#target, options).u32(flags);
    for (const key of [dkey, akey]) {
      if (key === undefined) command.bytes(NO_KEY);
      else command.key(key);
    }
    try {
      return await this.#run('objectQuery', asQueryResult, options);
    } catch (error) {
      if (DaosError.is(error, 'DER_NONEXIST')) return undefined;
      throw error;
    }
  }

  #run<T>(
    name: 'objectUpdate' | 'objectFetch' | 'objectPunch' | 'objectQuery',
    decode: Decode<T>,
    { signal }: OperationOptions,
    data?: Uint8Array | readonly Uint8Array[],
  ): Promise<T> {
    const { operations, binding } = this.#target.addon;
    return operations.run(binding[name], this.#container, decode, data, signal);
  }
}

function emptyValue(object: DaosObject): DaosError {
  return new DaosError('DER_INVAL', `${object}: a value is empty; punchAkeys deletes one`);
}

const asQueryResult: Decode<QueryResult> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return {
    dkey: answer.u64(),
    akey: answer.u64(),
    index: answer.u64(),
    count: answer.u64(),
    recordSize: answer.size(),
  };
};
