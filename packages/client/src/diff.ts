// What changed in a container between two epochs: both states are listed side by side, level by
// level. Engines leave out what has no write between the two.
//
// What they list of the first state is remembered while the second is walked: some 100 bytes for
// each name, or extent of an array. An array has changed where its extents are not the same writes;
// a single value where its bytes differ.
import type { Epoch, ObjectId } from '@daos/model';
import { changedRanges, type RecordRange } from './changed-ranges.js';
import type { Container } from './container.js';
import type { EpochSpan, ListedExtent } from './enumeration.js';
import type { DaosObject } from './object.js';

export interface Difference {
  oid: ObjectId;
  /** Left out when the object as a whole came or went. */
  dkey?: Uint8Array;
  /** Left out when the dkey as a whole came or went. */
  akey?: Uint8Array;
  change: 'added' | 'removed' | 'changed';
  /** Of an array that has changed: which records were written anew, or punched. */
  ranges?: RecordRange[];
}

export interface DiffOptions {
  signal?: AbortSignal;
}

interface Epochs {
  from: Epoch;
  /** Undefined: now. */
  to: Epoch | undefined;
}

type Change<T> = { value: T; change: 'added' | 'removed' | 'both' };

export async function* differences(
  container: Container,
  epochs: Epochs,
  { signal }: DiffOptions = {},
): AsyncGenerator<Difference, void> {
  const [before, after] = sidesOf(epochs, signal);
  const oids = compared(container.objects(before), container.objects(after), String);
  for await (const { value: oid, change } of oids) {
    if (change !== 'both') yield { oid, change };
    else yield* objectDifferences(container.object(oid), before, after);
  }
}

interface Side {
  epoch?: Epoch;
  changed: EpochSpan;
  signal?: AbortSignal;
}

function sidesOf({ from, to }: Epochs, signal: AbortSignal | undefined): [Side, Side] {
  const [low, high] = to === undefined || from <= to ? [from, to] : [to, from];
  const changed: EpochSpan = { from: low, ...(high !== undefined && { to: high }) };
  const shared = { changed, ...(signal && { signal }) };
  return [
    { epoch: from, ...shared },
    { ...(to !== undefined && { epoch: to }), ...shared },
  ];
}

async function* objectDifferences(
  object: DaosObject,
  before: Side,
  after: Side,
): AsyncGenerator<Difference, void> {
  const { oid } = object;
  for await (const { value: dkey, change } of compared(
    object.dkeys(before),
    object.dkeys(after),
    textOfKey,
  )) {
    if (change !== 'both') {
      yield { oid, dkey, change };
      continue;
    }
    const akeys = compared(object.akeys(dkey, before), object.akeys(dkey, after), textOfKey);
    for await (const { value: akey, change: akeyChange } of akeys) {
      if (akeyChange !== 'both') yield { oid, dkey, akey, change: akeyChange };
      else {
        const change = await changeOf(object, [dkey, akey], before, after);
        if (change) yield { oid, dkey, akey, change: 'changed', ...change };
      }
    }
  }
}

/** Undefined: both states are the same. */
async function changeOf(
  object: DaosObject,
  [dkey, akey]: readonly [Uint8Array, Uint8Array],
  before: Side,
  after: Side,
): Promise<Pick<Difference, 'ranges'> | undefined> {
  const [old, now] = await Promise.all([
    extentsOf(object.extents(dkey, akey, before)),
    extentsOf(object.extents(dkey, akey, after)),
  ]);
  if (old.length > 0 || now.length > 0) {
    const ranges = changedRanges(old, now);
    return ranges.length > 0 ? { ranges } : undefined;
  }
  const [oldValue, value] = await Promise.all([
    object.fetch(dkey, akey, before),
    object.fetch(dkey, akey, after),
  ]);
  const isSame = Buffer.from(oldValue ?? []).equals(value ?? new Uint8Array());
  return isSame ? undefined : {};
}

async function extentsOf(extents: AsyncIterable<ListedExtent>): Promise<ListedExtent[]> {
  const found: ListedExtent[] = [];
  for await (const extent of extents) found.push(extent);
  return found;
}

const textOfKey = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

/** What is in both lists, or in one of them. */
async function* compared<T>(
  before: AsyncIterable<T>,
  after: AsyncIterable<T>,
  textOf: (value: T) => string,
): AsyncGenerator<Change<T>, void> {
  const left = new Map<string, T>();
  for await (const value of before) left.set(textOf(value), value);
  for await (const value of after) {
    const isInBoth = left.delete(textOf(value));
    yield { value, change: isInBoth ? 'both' : 'added' };
  }
  for (const value of left.values()) yield { value, change: 'removed' };
}
