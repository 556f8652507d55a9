// Akeys of updates and fetches as programs write them, and what comes back. Shared by objects of a
// client and of a store.
import { DaosError } from '@daos/model';
import { AnswerReader, type Key } from './command.js';
import {
  conditionBits,
  PER_AKEY,
  type Condition,
  type Descriptor,
  type ExtentInput,
} from './descriptors.js';
import type { Decode } from './operations.js';

/** One akey of an update: a single value, or records of an array. */
export interface AkeyUpdate {
  akey: Key;
  /** The value, or the records of all extents one after the other. */
  value: Uint8Array | string;
  /** Present for an array. */
  extents?: readonly ExtentInput[];
  /** Bytes of one record of the array. Default 1. */
  recordSize?: number;
  /** Of this akey alone. */
  conditions?: readonly Condition[];
}

/** One akey of a fetch. */
export interface AkeyFetch {
  akey: Key;
  /** Room for the value, or for the records of all extents one after the other. */
  into: Uint8Array;
  /** Present for an array. */
  extents?: readonly ExtentInput[];
  /** Bytes of one record of the array. Default 1. */
  recordSize?: number;
  conditions?: readonly Condition[];
}

/** A run of records that is there. */
export interface MappedExtent {
  index: bigint;
  count: bigint;
}

/** What a fetch found of one akey. */
export interface AkeyResult {
  /** Bytes of the value or of one record; 0: there is nothing. */
  recordSize: number;
  /** Bytes found. */
  size: number;
  /** Nothing of what was asked for is a hole. Holes leave their part of the buffer as it was. */
  isWhole: boolean;
  /** For an array that is not whole: what is there. */
  mapped: MappedExtent[];
}

const encoder = new TextEncoder();

/** Programs in JavaScript may give anything: what is neither is DER_INVAL. */
export function bytesOf(value: Uint8Array | string): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value);
  if (ArrayBuffer.isView(value)) return value;
  throw new DaosError('DER_INVAL', `a value is text or a Uint8Array, not ${typeof value}`);
}

/** The condition bit that says whether akeys have their own. */
export function perAkeyBit(akeys: readonly { conditions?: readonly Condition[] }[]): number {
  return akeys.some(({ conditions }) => conditions !== undefined) ? PER_AKEY : 0;
}

export function descriptorOf(
  { akey, extents, recordSize = 1, conditions }: AkeyFetch | AkeyUpdate,
  size: number,
): Descriptor {
  const bits = conditionBits(conditions);
  if (extents === undefined) return { akey, recordSize: size, conditions: bits };
  return { akey, recordSize, extents, conditions: bits };
}

/** For a single value of up to `room` bytes. @throws DaosError DER_REC2BIG. */
export function checkRoom(size: number, room: number): void {
  if (size <= room) return;
  throw new DaosError('DER_REC2BIG', `the value has ${size} bytes; there is room for ${room}`);
}

/** The results of a fetch, for the descriptors it was made with. */
export function decodeResults(akeys: readonly Descriptor[]): Decode<AkeyResult[]> {
  return (low, high, value) => {
    if (value !== undefined) return readResults(new AnswerReader(value as Uint8Array), akeys);
    const size = low + high * 0x1_0000_0000;
    const [akey] = akeys as [Descriptor];
    if (akey.extents === undefined) checkRoom(size, akey.recordSize);
    const recordSize = akey.extents === undefined || size === 0 ? size : akey.recordSize;
    return [{ recordSize, size, isWhole: size > 0, mapped: [] }];
  };
}

/** The result of a fetch of one extent of an array. */
export function decodeExtent(recordSize: number): Decode<AkeyResult> {
  if (recordSize === 1) return decodeExtentOfBytes;
  return (low, high, value) => extentResult(recordSize, low, high, value);
}

const decodeExtentOfBytes: Decode<AkeyResult> = (low, high, value) =>
  extentResult(1, low, high, value);

function extentResult(recordSize: number, low: number, high: number, value: unknown): AkeyResult {
  if (value !== undefined) return readResult(new AnswerReader(value as Uint8Array));
  const size = low + high * 0x1_0000_0000;
  return { recordSize: size === 0 ? 0 : recordSize, size, isWhole: size > 0, mapped: [] };
}

function readResults(answer: AnswerReader, akeys: readonly Descriptor[]): AkeyResult[] {
  return akeys.map((akey) => {
    const result = readResult(answer);
    if (akey.extents === undefined) checkRoom(result.recordSize, akey.recordSize);
    return result;
  });
}

function readResult(answer: AnswerReader): AkeyResult {
  const recordSize = answer.size();
  const size = answer.size();
  const isWhole = answer.u8() !== 0;
  const mapped = Array.from({ length: answer.u32() }, () => ({
    index: answer.u64(),
    count: answer.u64(),
  }));
  return { recordSize, size, isWhole, mapped };
}
