// All that a container holds, to another one: objects by their ids, values of every kind.
//
// Requirement: `from` is a snapshot: it doesn't change meanwhile.

import type { Container, DaosObject, ListedExtent } from '@daos/client';
import { forEachParallel } from './parallel.js';

/** So many dkeys of an object are on their way at once. */
const WIDTH = 16;
/** Of an array, in one message. */
const PIECE_BYTES = 1 << 20;

export interface Copied {
  objectCount: number;
  bytes: number;
}

/** `onProgress` hears of each value, and of each object once all of it is there. */
export async function copyContainer(
  from: Container,
  to: Container,
  onProgress: (copied: Readonly<Copied>) => void,
): Promise<Copied> {
  const copied: Copied = { objectCount: 0, bytes: 0 };
  const add = (bytes: number) => {
    copied.bytes += bytes;
    onProgress(copied);
  };
  for await (const oid of from.objects()) {
    const pair: Pair = [from.object(oid), to.object(oid)];
    await forEachParallel(pair[0].dkeys(), WIDTH, (dkey) => copyDkey(pair, dkey, add));
    copied.objectCount += 1;
    onProgress(copied);
  }
  return copied;
}

type Pair = readonly [from: DaosObject, to: DaosObject];
type Add = (bytes: number) => void;

async function copyDkey(pair: Pair, dkey: Uint8Array, add: Add): Promise<void> {
  const [from, to] = pair;
  for await (const akey of from.akeys(dkey)) {
    let isArray = false;
    for await (const extent of from.extents(dkey, akey)) {
      isArray = true;
      await copyExtent(pair, [dkey, akey], extent, add);
    }
    if (isArray) continue;
    const value = await from.fetch(dkey, akey);
    if (value === undefined) continue;
    await to.update(dkey, akey, value);
    add(value.byteLength);
  }
}

async function copyExtent(
  [from, to]: Pair,
  [dkey, akey]: readonly [Uint8Array, Uint8Array],
  { index, count, recordSize }: ListedExtent,
  add: Add,
): Promise<void> {
  const step = BigInt(Math.max(1, Math.floor(PIECE_BYTES / recordSize)));
  for (let at = index; at < index + count; at += step) {
    const rest = index + count - at;
    const data = new Uint8Array(Number(rest < step ? rest : step) * recordSize);
    await from.fetchArray(dkey, akey, at, data, { recordSize });
    await to.updateArray(dkey, akey, at, data, { recordSize });
    add(data.byteLength);
  }
}
