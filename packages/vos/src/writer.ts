// Writing, for a container and for its transactions.
import { DaosError, formatObjectId, type Epoch, type ObjectId } from '@daos/model';
import {
  asBigint,
  bytesOf,
  conditionBits,
  descriptorOf,
  perAkeyBit,
  writeDescriptors,
  writeSingle,
  type AkeyUpdate,
  type CommandWriter,
  type Condition,
  type ExtentInput,
  type Key,
} from '@daos/native';
import { VosView } from './view.js';

export interface WriteOptions {
  /**
   * When the write happens: any epoch after the last aggregation, in any order. Default: now, later
   * than all before; in a transaction its epoch. Of two writes of a value at one epoch the one that
   * arrives last replaces the other.
   */
  epoch?: Epoch;
  /** What must or must not exist at the epoch: else DER_NONEXIST or DER_EXIST. */
  conditions?: readonly Condition[];
}

export interface ArrayWriteOptions extends WriteOptions {
  /** Bytes of one record: chosen by the first write, the same ever after. Default 1. */
  recordSize?: number;
}

const NO_KEY = new Uint8Array();

export abstract class VosWriter extends VosView {
  /** The epoch of a write that names none; 0: now. */
  protected abstract readonly writeEpoch: Epoch;

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

  #begin(
    oid: ObjectId,
    { epoch = this.writeEpoch, conditions }: WriteOptions,
    extraConditions = 0,
  ): CommandWriter {
    return this.beginOperation(oid, epoch, conditionBits(conditions) | extraConditions);
  }
}

function emptyValue(oid: ObjectId): DaosError {
  return new DaosError('DER_INVAL', `object ${formatObjectId(oid)}: a value is empty; punch it`);
}
