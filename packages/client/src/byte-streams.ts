// Node's streams over a ByteArray: blocks on their way while others are used.
import type { Epoch } from '@daos/model';
import { Readable, Writable } from 'node:stream';
import type { ByteArray } from './byte-array.js';

export interface ReadableOptions {
  /** The first byte. Default 0. */
  start?: number;
  /** Behind the last byte. Default: the end of the array. */
  end?: number;
  /** Bytes of one read. Default: a chunk of the array. */
  blockSize?: number;
  /** As of this epoch; default the newest. */
  epoch?: Epoch;
  /** Destroys the stream, and gives up what it has under way. */
  signal?: AbortSignal;
}

export interface WritableOptions {
  /** Where the first byte goes. Default 0. */
  start?: number;
  /** Destroys the stream, and gives up what it has under way. */
  signal?: AbortSignal;
}

/** Reads that are under way at a time, and writes. */
const AHEAD_COUNT = 4;

export function readableOf(array: ByteArray, options: ReadableOptions): Readable {
  const { signal } = options;
  return Readable.from(blocksOf(array, options), {
    objectMode: false,
    highWaterMark: 0,
    ...(signal && { signal }),
  });
}

async function* blocksOf(
  array: ByteArray,
  { start = 0, end = Infinity, blockSize = 2 ** 20, epoch, signal }: ReadableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { ...(epoch !== undefined && { epoch }), ...(signal && { signal }) };
  const pending: Promise<Uint8Array>[] = [];
  let next = start;
  for (;;) {
    while (pending.length < AHEAD_COUNT && next < end) {
      const block = array.slice(next, Math.min(blockSize, end - next), options);
      // If it fails, it does so when its turn comes.
      block.catch(() => undefined);
      pending.push(block);
      next += blockSize;
    }
    const block = await pending.shift();
    if (block === undefined || block.byteLength === 0) return;
    yield block;
  }
}

export function writableOf(
  array: ByteArray,
  { start = 0, signal, blockSize }: WritableOptions & { blockSize: number },
): Writable {
  const options = signal && { signal };
  const pending = new Set<Promise<unknown>>();
  let next = start;
  const write = async (data: Uint8Array): Promise<void> => {
    if (pending.size >= AHEAD_COUNT) await Promise.race(pending);
    const written = array.write(next, data, options);
    next += data.byteLength;
    pending.add(written);
    const isDone = (): boolean => pending.delete(written);
    // A failed write stays, so that the next step or the end of the stream meets its error.
    written.then(isDone, () => undefined);
  };
  const settle = (work: Promise<unknown>, callback: (error?: Error | null) => void): void => {
    work.then(
      () => callback(),
      (error: Error) => callback(error),
    );
  };
  return new Writable({
    highWaterMark: blockSize,
    ...options,
    write: (chunk: Buffer, _encoding, callback) => settle(write(chunk), callback),
    writev: (chunks, callback) => {
      const data = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer));
      settle(write(data), callback);
    },
    final: (callback) => settle(Promise.all(pending), callback),
  });
}
