// What a store lists: objects, keys, and the versions of what is stored under them.
import { DaosError, type Epoch, type ObjectId } from '@daos/model';
import { AnswerReader } from '@daos/native';

/** An object, and when anything in it changed last. */
export interface ObjectEntry {
  oid: ObjectId;
  epoch: Epoch;
}

export interface DkeyEntry {
  dkey: Uint8Array;
  epoch: Epoch;
}

export interface AkeyEntry {
  akey: Uint8Array;
  epoch: Epoch;
  kind: 'single' | 'array';
  /** Bytes of one record of an array. */
  recordSize: number;
}

/** A run of records that was written, or punched, at an epoch. */
export interface ExtentEntry {
  index: bigint;
  count: bigint;
  epoch: Epoch;
  recordSize: number;
  /** The run was punched: it is a hole. */
  isHole: boolean;
  /** Its transaction has not been committed. */
  isInDoubt: boolean;
}

/** A version of a single value. */
export interface SingleEntry {
  epoch: Epoch;
  /** Bytes. */
  size: number;
  /** The value was punched. */
  isHole: boolean;
  /** Its transaction has not been committed. */
  isInDoubt: boolean;
}

/** A punch of an object, dkey or akey: what is beneath it and not after it is hidden. */
export interface PunchEntry {
  epoch: Epoch;
  /** Its transaction has not been committed. */
  isInDoubt: boolean;
}

export interface Entries {
  objects: ObjectEntry;
  dkeys: DkeyEntry;
  akeys: AkeyEntry;
  extents: ExtentEntry;
  singles: SingleEntry;
  punches: PunchEntry;
}

/** As the core numbers them. */
export const LEVELS = {
  objects: 0,
  dkeys: 1,
  akeys: 2,
  extents: 3,
  singles: 4,
  punches: 5,
} as const;
export type Level = keyof typeof LEVELS;

const KIND_OBJECT = 0;
const KIND_DKEY = 1;
const KIND_AKEY = 2;
const KIND_EXTENT = 3;
const KIND_SINGLE = 4;
const KIND_PUNCH = 5;
const VALUE_ARRAY = 2;

export interface EntryPage<L extends Level> {
  entries: Entries[L][];
  anchor: Uint8Array;
  isLast: boolean;
}

export function readPage<L extends Level>(bytes: Uint8Array): EntryPage<L> {
  const answer = new AnswerReader(bytes);
  const entries: Entries[L][] = [];
  for (let count = answer.u32(); count > 0; --count) {
    entries.push(readEntry(answer) as Entries[L]);
  }
  const anchor = answer.bytes().slice();
  return { entries, anchor, isLast: answer.u8() !== 0 };
}

function readEntry(answer: AnswerReader): Entries[Level] {
  const kind = answer.u8();
  const valueType = answer.u8();
  const isHole = answer.u8() !== 0;
  const isInDoubt = answer.u8() !== 0;
  const epoch = answer.u64();
  const recordSize = answer.size();
  switch (kind) {
    case KIND_OBJECT:
      return { oid: answer.objectId(), epoch };
    case KIND_DKEY:
      return { dkey: answer.bytes().slice(), epoch };
    case KIND_AKEY: {
      const akey = answer.bytes().slice();
      return { akey, epoch, kind: valueType === VALUE_ARRAY ? 'array' : 'single', recordSize };
    }
    case KIND_EXTENT:
      return { index: answer.u64(), count: answer.u64(), epoch, recordSize, isHole, isInDoubt };
    case KIND_SINGLE:
      return { epoch, size: recordSize, isHole, isInDoubt };
    case KIND_PUNCH:
      return { epoch, isInDoubt };
    default:
      throw new DaosError('DER_PROTO', `an entry of unknown kind ${kind}`);
  }
}
