// How a directory lies in a container: one object, spread over all targets.
//
//   dkey                         akey         value
//   path                         attributes   JSON: kind, mode, mtimeMs, size, sha256
//                                data         the first chunk of a file; absent when it is empty
//   path, a zero byte, number    data         chunk 1, 2, … of a file
//
// Chunks after the first go before the path's own dkey is written, so that a path that is there is
// whole.

import type { Container, DaosObject, Pool } from '@daos/client';
import { DaosError, makeObjectId } from '@daos/model';
import type { Latencies } from './latencies.js';
import { Persistence } from './persistence.js';

export const CHUNK_SIZE = 1 << 20;
const ATTRIBUTES_SIZE_MAX = 4096;
const ATTRIBUTES = 'attributes';
const DATA = 'data';
const OBJECT = makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'SX' });

export interface FileAttributes {
  readonly kind: 'file' | 'directory';
  readonly mode: number;
  readonly mtimeMs: number;
  readonly size: number;
  /** Of a file. */
  readonly sha256?: string;
}

export interface FirstChunk {
  readonly attributes: FileAttributes;
  readonly data: Uint8Array;
}

export class FileStore {
  readonly #object: DaosObject;
  readonly #persistence: Persistence;
  readonly #latencies: Latencies;

  /** Every operation's time goes into `latencies`, waiting for a restarted engine included. */
  constructor(pool: Pool, container: Container, latencies: Latencies) {
    this.#object = container.object(OBJECT);
    this.#persistence = new Persistence(pool);
    this.#latencies = latencies;
  }

  /** `data` is the first chunk. */
  async putFirst(path: Buffer, attributes: FileAttributes, data?: Uint8Array): Promise<void> {
    const akeys = [{ akey: ATTRIBUTES, value: JSON.stringify(attributes) }];
    const chunk = data?.byteLength ? [{ akey: DATA, value: data }] : [];
    await this.#timed(() => this.#object.updateAkeys(path, [...akeys, ...chunk]));
  }

  /** Chunks are counted from 0, which goes by putFirst. */
  async putChunk(path: Buffer, number: number, data: Uint8Array): Promise<void> {
    await this.#timed(() => this.#object.update(chunkKey(path, number), DATA, data));
  }

  /**
   * Reads attributes and first chunk in one operation. DER_NONEXIST; DER_REC2BIG when `room` is too
   * small.
   */
  async getFirst(path: Buffer, room: number): Promise<FirstChunk> {
    const attributes = new Uint8Array(ATTRIBUTES_SIZE_MAX);
    const data = new Uint8Array(room);
    const akeys = [
      { akey: ATTRIBUTES, into: attributes },
      ...(room > 0 ? [{ akey: DATA, into: data }] : []),
    ];
    const results = await this.#timed(() => this.#object.fetchAkeys(path, akeys));
    const size = results[0]?.size ?? 0;
    if (size === 0) throw new DaosError('DER_NONEXIST', `'${path.toString()}' is not stored`);
    return {
      attributes: JSON.parse(Buffer.from(attributes.buffer, 0, size).toString()) as FileAttributes,
      data: data.subarray(0, results[1]?.size ?? 0),
    };
  }

  async getChunk(path: Buffer, number: number, room: number): Promise<Uint8Array> {
    const data = new Uint8Array(room);
    const key = chunkKey(path, number);
    const size = await this.#timed(() => this.#object.fetchInto(key, DATA, data));
    return data.subarray(0, size);
  }

  /** All stored paths. */
  async *paths(): AsyncGenerator<Buffer> {
    for await (const key of this.#object.dkeys()) {
      if (!key.includes(0)) yield Buffer.from(key);
    }
  }

  async #timed<T>(action: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await this.#persistence.run(action);
    } finally {
      this.#latencies.add(performance.now() - start);
    }
  }
}

function chunkKey(path: Buffer, number: number): Buffer {
  return Buffer.concat([path, Buffer.from(`\0${number}`)]);
}
