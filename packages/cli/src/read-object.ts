// All that an object holds, value by value; an error of one value is told with it, and the next is
// read.

import type { DaosObject, ListedExtent } from '@daos/client';

/** Of an array, in one message. */
const PIECE_BYTES = 1 << 20;

export interface ReadValue {
  readonly dkey: Uint8Array;
  readonly akey: Uint8Array;
  readonly kind: 'single' | 'array';
  /** Of an array: ranges as `0-9`, with commas between them. */
  readonly records: string;
  readonly sizeBytes: number;
  /** Why it can't be read. */
  readonly error?: string;
}

interface ReadOptions {
  /** Of arrays too, whose extents tell their sizes without it. */
  readonly isDataRead: boolean;
}

type Keys = readonly [dkey: Uint8Array, akey: Uint8Array];

export async function* readObject(
  object: DaosObject,
  options: ReadOptions,
): AsyncIterable<ReadValue> {
  for await (const dkey of object.dkeys()) {
    for await (const akey of object.akeys(dkey)) {
      const value = await readValue(object, [dkey, akey], options);
      if (value) yield value;
    }
  }
}

async function readValue(
  object: DaosObject,
  keys: Keys,
  { isDataRead }: ReadOptions,
): Promise<ReadValue | undefined> {
  const [dkey, akey] = keys;
  const extents: ListedExtent[] = [];
  let sizeBytes = 0;
  const told = () => ({
    ...{ dkey, akey, sizeBytes },
    kind: extents.length > 0 ? ('array' as const) : ('single' as const),
    records: extents.map(({ index, count }) => `${index}-${index + count - 1n}`).join(','),
  });
  try {
    for await (const extent of object.extents(dkey, akey)) extents.push(extent);
    if (extents.length === 0) {
      const value = await object.fetch(dkey, akey);
      if (value === undefined) return undefined;
      sizeBytes = value.byteLength;
    }
    for (const extent of extents) {
      if (isDataRead) await readExtent(object, keys, extent);
      sizeBytes += Number(extent.count) * extent.recordSize;
    }
    return told();
  } catch (error) {
    return { ...told(), error: error instanceof Error ? error.message : String(error) };
  }
}

async function readExtent(
  object: DaosObject,
  [dkey, akey]: Keys,
  { index, count, recordSize }: ListedExtent,
): Promise<void> {
  const step = BigInt(Math.max(1, Math.floor(PIECE_BYTES / recordSize)));
  for (let at = index; at < index + count; at += step) {
    const rest = index + count - at;
    const data = new Uint8Array(Number(rest < step ? rest : step) * recordSize);
    await object.fetchArray(dkey, akey, at, data, { recordSize });
  }
}
