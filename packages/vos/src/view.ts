// A container as it was at an epoch: what is read is what was visible then.
import { DaosError, EPOCH_MAX, type Epoch, type ObjectId } from '@daos/model';
import {
  AnswerReader,
  asNumber,
  checkRoom,
  conditionBits,
  decodeResults,
  descriptorOf,
  FetchBuffers,
  perAkeyBit,
  writeDescriptors,
  writeSingle,
  type AkeyFetch,
  type AkeyResult,
  type CommandWriter,
  type Condition,
  type Decode,
  type Handle,
  type Key,
} from '@daos/native';
import type { VosAddon } from './binding.js';
import { LEVELS, readPage, type Entries, type EntryPage, type Level } from './entries.js';

export interface ReadOptions {
  /** See what was visible at this epoch. Default: the view's. */
  epoch?: Epoch;
  /** What must exist: else DER_NONEXIST. */
  conditions?: readonly Condition[];
}

export interface ArrayReadOptions extends ReadOptions {
  /** Bytes of one record. Default 1. */
  recordSize?: number;
}

export interface ListOptions {
  /** What was visible at this epoch. Default: the view's. */
  epoch?: Epoch;
  /** Of that, what changed at or after this epoch. Default 0. */
  since?: Epoch;
  /** All versions that are stored between `since` and `epoch`, rather than what is visible. */
  allVersions?: boolean;
  /** Where to go on: the anchor of an earlier page. Default: the beginning. */
  anchor?: Uint8Array;
  /** Entries of one page, at most. Default 1024. */
  pageSize?: number;
}

/** What a query found. */
export interface VosQueryResult {
  dkey: Uint8Array;
  akey: Uint8Array;
  index: bigint;
  count: bigint;
  recordSize: number;
}

/** As the core numbers them. */
const QUERIES = { maxDkey: 0, minDkey: 1, maxAkey: 2, minAkey: 3, maxExtent: 4, minExtent: 5 };
export type Query = keyof typeof QUERIES;

const NO_KEY = new Uint8Array();
const PAGE_SIZE = 1024;

export class VosView {
  /** The epoch that is read where an operation names none; EPOCH_MAX: the newest. */
  readonly epoch: Epoch;
  protected readonly addon: VosAddon;
  protected readonly handle: Handle;
  /** The transaction that reads and writes, if any. */
  protected readonly transaction: string | undefined;
  readonly #buffers = new FetchBuffers();

  constructor(
    addon: VosAddon,
    handle: Handle,
    epoch: Epoch = EPOCH_MAX,
    transaction: string | undefined = undefined,
  ) {
    this.addon = addon;
    this.handle = handle;
    this.epoch = epoch;
    this.transaction = transaction;
  }

  /** A single value, or undefined where there is none. */
  async fetch(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    options: ReadOptions = {},
  ): Promise<Uint8Array | undefined> {
    for (;;) {
      const into = this.#buffers.take();
      const size = await this.#fetchSize(oid, [dkey, akey], into, options);
      const value = this.#buffers.use(into, size);
      if (value !== null) return value;
    }
  }

  /**
   * Reads a single value into memory of the caller; returns its size, 0 where there is none.
   * @throws DaosError DER_REC2BIG when the value is larger than `into`, which is then unchanged.
   */
  async fetchInto(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    into: Uint8Array,
    options: ReadOptions = {},
  ): Promise<number> {
    const size = await this.#fetchSize(oid, [dkey, akey], into, options);
    checkRoom(size, into.byteLength);
    return size;
  }

  /** Bytes of a single value, or of one record of an array; 0 where there is none. */
  sizeOf(oid: ObjectId, dkey: Key, akey: Key, options: ReadOptions = {}): Promise<number> {
    return this.#fetchSize(oid, [dkey, akey], undefined, options);
  }

  /**
   * Reads records of an array from `index` on, as many as `into` has room for. Holes leave their
   * part of `into` as it was; the result says what is there.
   * @throws DaosError DER_REC_SIZE for another record size than the array's.
   */
  async fetchArray(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    index: number | bigint,
    into: Uint8Array,
    { recordSize = 1, ...options }: ArrayReadOptions = {},
  ): Promise<AkeyResult> {
    const extents = [{ index, count: into.byteLength / recordSize }];
    const [result] = await this.fetchAkeys(
      oid,
      dkey,
      [{ akey, into, extents, recordSize }],
      options,
    );
    return result as AkeyResult;
  }

  /** Reads several akeys under one dkey. */
  fetchAkeys(
    oid: ObjectId,
    dkey: Key,
    akeys: readonly AkeyFetch[],
    options: ReadOptions = {},
  ): Promise<AkeyResult[]> {
    const descriptors = akeys.map((akey) => descriptorOf(akey, akey.into.byteLength));
    this.#beginRead(oid, options, perAkeyBit(akeys)).key(dkey);
    writeDescriptors(this.addon.operations.command, descriptors);
    const into = akeys.map((akey) => akey.into);
    const { operations, binding } = this.addon;
    return operations.run(binding.vosFetch, this.handle, decodeResults(descriptors), into);
  }

  /** The objects that hold something. */
  objects(options: ListOptions = {}): AsyncGenerator<Entries['objects'], void, undefined> {
    return this.#list('objects', 0n, [], options);
  }

  /** The dkeys of an object. */
  dkeys(
    oid: ObjectId,
    options: ListOptions = {},
  ): AsyncGenerator<Entries['dkeys'], void, undefined> {
    return this.#list('dkeys', oid, [], options);
  }

  /** The akeys of a dkey. */
  akeys(
    oid: ObjectId,
    dkey: Key,
    options: ListOptions = {},
  ): AsyncGenerator<Entries['akeys'], void, undefined> {
    return this.#list('akeys', oid, [dkey], options);
  }

  /** What an array holds, in order of index. */
  extents(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    options: ListOptions = {},
  ): AsyncGenerator<Entries['extents'], void, undefined> {
    return this.#list('extents', oid, [dkey, akey], options);
  }

  /** The versions of a single value. */
  versions(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    options: ListOptions = {},
  ): AsyncGenerator<Entries['singles'], void, undefined> {
    return this.#list('singles', oid, [dkey, akey], options);
  }

  /** The punches of an object, of a dkey, or of an akey, that were not aggregated yet. */
  punches(
    oid: ObjectId,
    dkey?: Key,
    akey?: Key,
    options: ListOptions = {},
  ): AsyncGenerator<Entries['punches'], void, undefined> {
    const names = [dkey, akey].filter((name) => name !== undefined);
    return this.#list('punches', oid, names, { ...options, allVersions: true });
  }

  /**
   * The greatest or least dkey, akey of a dkey, or extent of an array. Where a dkey or akey that
   * the question needs is not given, the greatest (least) is taken for it. Undefined: there is
   * none.
   */
  async query(
    oid: ObjectId,
    what: Query,
    { dkey, akey, ...options }: ReadOptions & { dkey?: Key; akey?: Key } = {},
  ): Promise<VosQueryResult | undefined> {
    const command = this.#beginRead(oid, options).u8(QUERIES[what]);
    for (const key of [dkey, akey]) {
      if (key === undefined) command.bytes(NO_KEY);
      else command.key(key);
    }
    try {
      const { operations, binding } = this.addon;
      return await operations.run(binding.vosQuery, this.handle, asQueryResult);
    } catch (error) {
      if (DaosError.is(error, 'DER_NONEXIST')) return undefined;
      throw error;
    }
  }

  #beginRead(oid: ObjectId, { epoch = this.epoch, conditions }: ReadOptions, extraConditions = 0) {
    return this.beginOperation(oid, epoch, conditionBits(conditions) | extraConditions);
  }

  /** What the core's operations begin with. */
  protected beginOperation(oid: ObjectId, epoch: Epoch, conditions: number): CommandWriter {
    const command = this.addon.operations.command.begin().objectId(oid);
    return this.#writeTransaction(command.u64(epoch).u32(conditions));
  }

  #writeTransaction(command: CommandWriter): CommandWriter {
    command.boolean(this.transaction !== undefined);
    return this.transaction === undefined ? command : command.uuid(this.transaction);
  }

  #fetchSize(
    oid: ObjectId,
    [dkey, akey]: readonly [Key, Key],
    into: Uint8Array | undefined,
    options: ReadOptions,
  ): Promise<number> {
    const command = this.#beginRead(oid, options).key(dkey);
    writeSingle(command, akey, into?.byteLength ?? 0);
    const { operations, binding } = this.addon;
    return operations.run(binding.vosFetch, this.handle, asNumber, into);
  }

  async *#list<L extends Level>(
    level: L,
    oid: ObjectId,
    names: readonly Key[],
    options: ListOptions,
  ): AsyncGenerator<Entries[L], void, undefined> {
    let anchor = options.anchor ?? NO_KEY;
    for (;;) {
      const page: EntryPage<L> = await this.#page(level, oid, names, { ...options, anchor });
      yield* page.entries;
      if (page.isLast) return;
      anchor = page.anchor;
    }
  }

  #page<L extends Level>(
    level: L,
    oid: ObjectId,
    [dkey, akey]: readonly Key[],
    { epoch, since = 0n, allVersions, anchor = NO_KEY, pageSize = PAGE_SIZE }: ListOptions,
  ): Promise<EntryPage<L>> {
    const { operations, binding } = this.addon;
    const command = operations.command.begin().u8(LEVELS[level]).objectId(oid);
    for (const key of [dkey, akey]) {
      if (key === undefined) command.bytes(NO_KEY);
      else command.key(key);
    }
    command
      .u64(since)
      .u64(epoch ?? this.epoch)
      .boolean(allVersions)
      .u32(pageSize)
      .bytes(anchor);
    this.#writeTransaction(command);
    const decode: Decode<EntryPage<L>> = (_low, _high, value) => readPage(value as Uint8Array);
    return operations.run(binding.vosEnumerate, this.handle, decode);
  }
}

const asQueryResult: Decode<VosQueryResult> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return {
    dkey: answer.bytes().slice(),
    akey: answer.bytes().slice(),
    index: answer.u64(),
    count: answer.u64(),
    recordSize: answer.size(),
  };
};
