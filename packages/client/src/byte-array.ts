// An object as one array of bytes: a file without a name.
import type { Epoch, ObjectId } from '@daos/model';
import {
  asBigint,
  asNothing,
  asNumber,
  type CommandWriter,
  type Decode,
  type Handle,
} from '@daos/native';
import type { Readable, Writable } from 'node:stream';
import type { ClientAddon, ClientFunction } from './binding.js';
import {
  readableOf,
  writableOf,
  type ReadableOptions,
  type WritableOptions,
} from './byte-streams.js';
import type { ObjectTarget } from './object-io.js';

export interface ByteArrayOptions {
  /**
   * Bytes under one dkey, and so on one target. Chosen once for an array: it is not stored with it.
   * Default: the container's `chunk_size`, 1 MiB where it has none.
   */
  chunkSize?: number;
}

export interface TransferOptions {
  /** Reads: as of this epoch; default the newest. Writes: at this epoch; default now. */
  epoch?: Epoch;
  /** Deadline of each chunk, retries included. Default: the client's. */
  timeoutMs?: number;
  /**
   * Gives the transfer up; the promise is rejected with the signal's reason once the memory it
   * borrowed is free again. Some chunks may have been written.
   */
  signal?: AbortSignal;
}

const CHUNK_SIZE = 2 ** 20;
const CELL_SIZE = 1;
const NS_PER_MS = 1_000_000;

/**
 * Bytes at offsets, made by Container.byteArray; offsets are safe integers. It is spread over
 * targets in chunks, which are transferred at the same time: a transfer over several chunks is not
 * atomic. What was never written reads as zeros up to the size, which is one more than the last
 * byte that exists. Errors are those of DaosObject.
 */
export class ByteArray {
  readonly oid: ObjectId;
  readonly #addon: ClientAddon;
  readonly #container: Handle;
  readonly #chunkSize: number;
  readonly #epoch: Epoch;

  constructor({ addon, container, oid, epoch }: ObjectTarget, options: ByteArrayOptions = {}) {
    this.oid = oid;
    this.#addon = addon;
    this.#container = container;
    this.#epoch = epoch;
    this.#chunkSize = options.chunkSize ?? CHUNK_SIZE;
  }

  /** Writes all of `data` at `offset`; returns the epoch of the last chunk. */
  write(offset: number, data: Uint8Array, options: TransferOptions = {}): Promise<Epoch> {
    this.#beginTransfer(offset, options);
    return this.#run('arrayWrite', asBigint, data, options.signal);
  }

  /**
   * Fills `into` from `offset` on; returns how many bytes there are before the end. Memory behind
   * them is left untouched.
   */
  read(offset: number, into: Uint8Array, options: TransferOptions = {}): Promise<number> {
    this.#beginTransfer(offset, options);
    return this.#run('arrayRead', asNumber, into, options.signal);
  }

  /** The bytes of a range, or as many as there are. */
  async slice(offset: number, length: number, options?: TransferOptions): Promise<Uint8Array> {
    const into = new Uint8Array(length);
    return into.subarray(0, await this.read(offset, into, options));
  }

  /** In bytes. */
  size({
    epoch = this.#epoch,
    signal,
  }: Pick<TransferOptions, 'epoch' | 'signal'> = {}): Promise<number> {
    this.#begin().u64(epoch);
    return this.#run('arraySize', asNumber, undefined, signal);
  }

  /** Cuts off what is behind `size`, or makes a hole up to there. */
  truncate(size: number, { signal }: Pick<TransferOptions, 'signal'> = {}): Promise<void> {
    this.#begin().u64(size);
    return this.#run('arraySetSize', asNothing, undefined, signal);
  }

  /** Makes a hole: it reads as zeros, and its space comes back. */
  punch(
    offset: number,
    length: number,
    { signal }: Pick<TransferOptions, 'signal'> = {},
  ): Promise<void> {
    this.#begin().u64(offset).u64(length);
    return this.#run('arrayPunch', asNothing, undefined, signal);
  }

  /** A stream of the bytes from `start` to `end`, which is not included; read ahead. */
  readable(options: ReadableOptions = {}): Readable {
    return readableOf(this, { blockSize: this.#chunkSize, ...options });
  }

  /** A stream that writes from `start` on; it has finished when all is written. */
  writable(options: WritableOptions = {}): Writable {
    return writableOf(this, { ...options, blockSize: this.#chunkSize });
  }

  #begin(): CommandWriter {
    const command = this.#addon.operations.command.begin().objectId(this.oid);
    return command.u64(CELL_SIZE).u64(this.#chunkSize);
  }

  #beginTransfer(offset: number, { epoch = this.#epoch, timeoutMs = 0 }: TransferOptions): void {
    this.#begin()
      .u64(offset)
      .u64(epoch)
      .u64(Math.round(timeoutMs * NS_PER_MS));
  }

  #run<T>(
    name: ClientFunction & `array${string}`,
    decode: Decode<T>,
    data?: Uint8Array,
    signal?: AbortSignal,
  ): Promise<T> {
    const { operations, binding } = this.#addon;
    return operations.run(binding[name], this.#container, decode, data, signal);
  }
}
