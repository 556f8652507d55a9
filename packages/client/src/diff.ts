// What changed in a container between two epochs: both states are listed side by side, level by
// level.
//
// A level of the first state is remembered while the second is walked: some 100 bytes for each
// name. An array has changed where its extents are not the same writes; a single value where its
// bytes differ.
import type { Epoch, ObjectId } from '@daos/model';
import type { Container } from './container.js';
import type { ListedExtent } from './enumeration.js';
import type { DaosObject } from './object.js';

export interface Difference {
  oid: ObjectId;
  /** Left out when the object as a whole came or went. */
  dkey?: Uint8Array;
  /** Left out when the dkey as a whole came or went. */
  akey?: Uint8Array;
  change: 'added' | 'removed' | 'changed';
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
  signal?: AbortSignal;
}

function sidesOf({ from, to }: Epochs, signal: AbortSignal | undefined): [Side, Side] {
  const shared = signal && { signal };
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
      else if (await hasChanged(object, [dkey, akey], before, after)) {
        yield { oid, dkey, akey, change: 'changed' };
      }
    }
  }
}

async function hasChanged(
  object: DaosObject,
  [dkey, akey]: readonly [Uint8Array, Uint8Array],
  before: Side,
  after: Side,
): Promise<boolean> {
  const [old, now] = await Promise.all([
    extentsOf(object.extents(dkey, akey, before)),
    extentsOf(object.extents(dkey, akey, after)),
  ]);
  if (old !== '' || now !== '') return old !== now;
  const [oldValue, value] = await Promise.all([
    object.fetch(dkey, akey, before),
    object.fetch(dkey, akey, after),
  ]);
  return !Buffer.from(oldValue ?? []).equals(value ?? new Uint8Array());
}

/** Every write has an epoch of its own: the same extents of the same epochs are the same data. */
async function extentsOf(extents: AsyncIterable<ListedExtent>): Promise<string> {
  let text = '';
  for await (const { index, count, epoch } of extents) text += `${index}+${count}@${epoch} `;
  return text;
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
