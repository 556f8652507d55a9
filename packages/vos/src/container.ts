// An open container of a store.
import { DaosError, formatObjectId, type Epoch, type ObjectId } from '@daos/model';
import {
  AnswerReader,
  asBigint,
  asNothing,
  bytesOf,
  conditionBits,
  descriptorOf,
  perAkeyBit,
  writeDescriptors,
  writeSingle,
  type AkeyUpdate,
  type CommandWriter,
  type Condition,
  type Decode,
  type ExtentInput,
  type Handle,
  type Key,
} from '@daos/native';
import type { VosAddon } from './binding.js';
import { VosView } from './view.js';

export interface WriteOptions {
  /**
   * When the write happens: any epoch, in any order. Default: now, later than all before. Of two
   * writes at one epoch the one that arrives last wins.
   */
  epoch?: Epoch;
  /** What must or must not exist at the epoch: else DER_NONEXIST or DER_EXIST. */
  conditions?: readonly Condition[];
}

export interface ArrayWriteOptions extends WriteOptions {
  /** Bytes of one record: chosen by the first write, the same ever after. Default 1. */
  recordSize?: number;
}

/** What a container takes. */
export interface VosUsage {
  arenaBytes: number;
  dataBytes: number;
  objectCount: number;
}

const NO_KEY = new Uint8Array();

const asUsage: Decode<VosUsage> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return { arenaBytes: answer.size(), dataBytes: answer.size(), objectCount: answer.size() };
};

/**
 * A container. Each write is one transaction: it happens wholly or not at all, and answers its
 * epoch when it is durable.
 */
export class VosContainer extends VosView implements AsyncDisposable {
  readonly uuid: string;

  constructor(addon: VosAddon, handle: Handle, uuid: string) {
    super(addon, handle);
    this.uuid = uuid;
  }

  /** The container as it was at `epoch`. */
  snapshotRead(epoch: Epoch): VosView {
    return new VosView(this.addon, this.handle, epoch);
  }

  /**
   * Stores a single value. Text is stored as UTF-8.
   * @throws DaosError DER_INVAL for an empty key or value, DER_KEY2BIG, DER_NOSPACE.
   */
  update(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    value: Uint8Array | string,
    options: WriteOptions = {},
  ): Promise<Epoch> {
    const data = bytesOf(value);
    if (data.byteLength === 0) return Promise.reject(emptyValue(oid));
    writeSingle(this.#begin(oid, options).key(dkey), akey, data.byteLength);
    const { operations, binding } = this.addon;
    return operations.run(binding.vosUpdate, this.handle, asBigint, data);
  }

  /**
   * Writes records of an array from `index` on.
   * @throws DaosError DER_IO_INVAL when `data` is not whole records, DER_REC_SIZE for another
   * record size than the array's.
   */
  updateArray(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    index: number | bigint,
    data: Uint8Array,
    { recordSize = 1, ...options }: ArrayWriteOptions = {},
  ): Promise<Epoch> {
    const extents = [{ index, count: data.byteLength / recordSize }];
    return this.updateAkeys(oid, dkey, [{ akey, value: data, extents, recordSize }], options);
  }

  /** Makes holes of ranges of records. */
  punchArray(
    oid: ObjectId,
    dkey: Key,
    akey: Key,
    extents: readonly ExtentInput[],
    options: WriteOptions = {},
  ): Promise<Epoch> {
    return this.updateAkeys(oid, dkey, [{ akey, value: NO_KEY, extents, recordSize: 0 }], options);
  }

  /** Writes several akeys under one dkey as one. */
  updateAkeys(
    oid: ObjectId,
    dkey: Key,
    akeys: readonly AkeyUpdate[],
    options: WriteOptions = {},
  ): Promise<Epoch> {
    const data = akeys.map(({ value }) => bytesOf(value));
    const descriptors = akeys.map((akey, i) => descriptorOf(akey, data[i]?.byteLength ?? 0));
    writeDescriptors(this.#begin(oid, options, perAkeyBit(akeys)).key(dkey), descriptors);
    const { operations, binding } = this.addon;
    return operations.run(binding.vosUpdate, this.handle, asBigint, data);
  }

  /**
   * Punches akeys, or the dkey when there are none, or the object when there is no dkey: hides all
   * that was written up to the epoch.
   */
  punch(
    oid: ObjectId,
    dkey?: Key,
    akeys: readonly Key[] = [],
    options: WriteOptions = {},
  ): Promise<Epoch> {
    const command = this.#begin(oid, options);
    if (dkey === undefined) command.bytes(NO_KEY);
    else command.key(dkey);
    command.u32(akeys.length);
    for (const akey of akeys) command.key(akey);
    const { operations, binding } = this.addon;
    return operations.run(binding.vosPunch, this.handle, asBigint);
  }

  usage(): Promise<VosUsage> {
    const { operations, binding } = this.addon;
    operations.command.begin();
    return operations.run(binding.vosUsage, this.handle, asUsage);
  }

  close(): Promise<void> {
    const { operations, binding } = this.addon;
    operations.command.begin();
    return operations.run(binding.vosCloseContainer, this.handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin(
    oid: ObjectId,
    { epoch = 0n, conditions }: WriteOptions,
    extraConditions = 0,
  ): CommandWriter {
    const command = this.addon.operations.command.begin().objectId(oid);
    return command.u64(epoch).u32(conditionBits(conditions) | extraConditions);
  }
}

function emptyValue(oid: ObjectId): DaosError {
  return new DaosError('DER_INVAL', `object ${formatObjectId(oid)}: a value is empty; punch it`);
}
