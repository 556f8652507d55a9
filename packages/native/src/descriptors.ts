// What an update or fetch addresses, as the core reads it: native/node/descriptors.h, model/io.h.
import type { CommandWriter, Key } from './command.js';

/** A range of records of an array. Indexes are up to 2^63. */
export interface ExtentInput {
  index: number | bigint;
  count: number | bigint;
}

/** One akey with a single value (no extents) or with extents of an array. */
export interface Descriptor {
  akey: Key;
  /** Bytes of the value, of its room, or of one record; 0 in an update punches. */
  recordSize: number;
  /** Absent for a single value. */
  extents?: readonly ExtentInput[];
  /** Conditions of this akey, as a word of bits. */
  conditions?: number;
}

/** Conditions on what exists, judged at the epoch of the operation; combine by naming several. */
export const CONDITIONS = {
  /** The dkey must not exist: else DER_EXIST. */
  dkeyInsert: 1 << 0,
  /** The dkey must exist: else DER_NONEXIST. */
  dkeyUpdate: 1 << 1,
  dkeyFetch: 1 << 2,
  dkeyPunch: 1 << 3,
  /** No akey of the call may exist: else DER_EXIST. */
  akeyInsert: 1 << 4,
  /** Each akey of the call must exist: else DER_NONEXIST. */
  akeyUpdate: 1 << 5,
  akeyFetch: 1 << 6,
  akeyPunch: 1 << 7,
  /** The object must exist. */
  objectPunch: 1 << 8,
} as const;
export type Condition = keyof typeof CONDITIONS;

/** Each akey has its own conditions. */
export const PER_AKEY = 1 << 9;

const VALUE_SINGLE = 1;
const VALUE_ARRAY = 2;

export function conditionBits(conditions: readonly Condition[] | undefined): number {
  let bits = 0;
  for (const name of conditions ?? []) bits |= CONDITIONS[name];
  return bits;
}

/** Bytes that the descriptor carries. */
export function dataSizeOf({ recordSize, extents }: Descriptor): number {
  if (extents === undefined) return recordSize;
  return extents.reduce((size, { count }) => size + Number(count), 0) * recordSize;
}

export function writeDescriptors(command: CommandWriter, akeys: readonly Descriptor[]): void {
  command.u32(akeys.length);
  for (const { akey, recordSize, extents, conditions } of akeys) {
    command.u8(extents === undefined ? VALUE_SINGLE : VALUE_ARRAY);
    command
      .u32(conditions ?? 0)
      .u64(recordSize)
      .key(akey)
      .u32(extents?.length ?? 0);
    for (const { index, count } of extents ?? []) command.u64(index).u64(count);
  }
}

/** The same for one single value, without an array and an object around it. */
export function writeSingle(command: CommandWriter, akey: Key, recordSize: number): void {
  command.u32(1).u8(VALUE_SINGLE).u32(0).u64(recordSize).key(akey).u32(0);
}

/** The same for one extent of an array. */
export function writeExtent(
  command: CommandWriter,
  akey: Key,
  recordSize: number,
  index: number | bigint,
  count: number,
): void {
  command.u32(1).u8(VALUE_ARRAY).u32(0).u64(recordSize).key(akey).u32(1).u64(index).u64(count);
}
