// Lists of objects, dkeys, akeys and extents: page by page, the next one on its way while one is
// used.
import type { Epoch, ObjectId } from '@daos/model';
import { AnswerReader, type Decode, type Handle, type Key } from '@daos/native';
import type { ClientAddon } from './binding.js';

export interface ListOptions {
  /** What was visible at this epoch. Default: the newest. */
  epoch?: Epoch;
  /**
   * Of objects, dkeys and akeys only those that may not be the same at both ends: beneath them
   * something was written or punched after `from`, up to `to`, or so much lies there that it was
   * not looked through. Pages may be empty before the last one.
   */
  changed?: EpochSpan;
  /** Where to go on: the anchor of an earlier page. Default: the beginning. */
  anchor?: Uint8Array;
  /** Entries of one page, at most. Default 1024. */
  pageSize?: number;
  signal?: AbortSignal;
}

/** What comes after `from`, up to and with `to`. */
export interface EpochSpan {
  from: Epoch;
  /** Default: everything newer. */
  to?: Epoch;
}

/** A range of records that an array holds. */
export interface ListedExtent {
  index: bigint;
  count: bigint;
  /** When it was written. */
  epoch: Epoch;
  /** Bytes of one record. */
  recordSize: number;
}

export interface Page<T> {
  entries: T[];
  /** Goes on after this page; valid in any process, also while things are added and removed. */
  anchor: Uint8Array;
  isLast: boolean;
}

interface Entries {
  objects: ObjectId;
  dkeys: Uint8Array;
  akeys: Uint8Array;
  extents: ListedExtent;
}
export type Level = keyof Entries;

export interface ListTarget {
  addon: ClientAddon;
  container: Handle;
  oid: ObjectId;
  /** What is listed when the options name no epoch: 0 is the newest. */
  epoch: Epoch;
}

const LEVELS: Record<Level, number> = { objects: 0, dkeys: 1, akeys: 2, extents: 3 };
const READERS: { [L in Level]: (answer: AnswerReader) => Entries[L] } = {
  objects: (answer) => answer.objectId(),
  // A copy: a key that is kept must not keep the whole page.
  dkeys: (answer) => answer.bytes().slice(),
  akeys: (answer) => answer.bytes().slice(),
  extents: (answer) => ({
    index: answer.u64(),
    count: answer.u64(),
    epoch: answer.u64(),
    recordSize: answer.size(),
  }),
};
const PAGE_SIZE = 1024;
const PAGE_BYTES = 65536;
const NO_KEY = new Uint8Array();
const EPOCH_MAX = 0xffff_ffff_ffff_ffffn;

/** @param names the dkey, and the akey, beneath which is listed. */
export async function* listPages<L extends Level>(
  target: ListTarget,
  level: L,
  names: readonly Key[],
  options: ListOptions,
): AsyncGenerator<Page<Entries[L]>, void, undefined> {
  let pending = fetchPage(target, level, names, options, options.anchor ?? NO_KEY);
  for (;;) {
    const page = await pending;
    if (!page.isLast) {
      pending = fetchPage(target, level, names, options, page.anchor);
      // Whoever stops listening early does not want to hear of it.
      pending.catch(() => undefined);
    }
    yield page;
    if (page.isLast) return;
  }
}

function fetchPage<L extends Level>(
  { addon, container, oid, epoch: epochDefault }: ListTarget,
  level: L,
  [dkey, akey]: readonly Key[],
  { epoch = epochDefault, pageSize = PAGE_SIZE, changed, signal }: ListOptions,
  anchor: Uint8Array,
): Promise<Page<Entries[L]>> {
  const { operations, binding } = addon;
  const command = operations.command.begin().objectId(oid).u64(epoch).u64(0).u32(0);
  command.u32(LEVELS[level]);
  for (const key of [dkey, akey]) {
    if (key === undefined) command.bytes(NO_KEY);
    else command.key(key);
  }
  command.u32(pageSize).u32(PAGE_BYTES).bytes(anchor);
  // An empty range of epochs stands for none.
  const span = level === 'extents' ? undefined : changed;
  command.u64(span ? span.from + 1n : 1).u64(span ? (span.to ?? EPOCH_MAX) : 0);
  const decode: Decode<Page<Entries[L]>> = (_low, _high, value) =>
    readPage(new AnswerReader(value as Uint8Array), READERS[level]);
  return operations.run(binding.objectEnumerate, container, decode, undefined, signal);
}

function readPage<T>(answer: AnswerReader, readEntry: (answer: AnswerReader) => T): Page<T> {
  const anchor = answer.bytes().slice();
  const isLast = answer.u8() !== 0;
  const entries = Array.from({ length: answer.u32() }, () => readEntry(answer));
  return { entries, anchor, isLast };
}
