// A block device, asynchronous and in whole blocks.
import { DaosError } from '@daos/model';
import {
  AnswerReader,
  asNothing,
  asNumber,
  type Addon,
  type Decode,
  type Handle,
} from '@daos/native';
import { loadMedia, type MediaBinding } from './binding.js';
import { readMediaInfo, type MediaInfo } from './media-info.js';

/** Offsets and sizes of all transfers are multiples of this many bytes. */
export const MEDIA_BLOCK_SIZE = 4096;

export interface MemoryMediaOptions {
  /** What errors and statistics call it. */
  name?: string;
  /** A multiple of MEDIA_BLOCK_SIZE. */
  sizeBytes: number;
}

export interface FileMediaOptions {
  /** Bypass the page cache (O_DIRECT) where the file system can; default true. */
  direct?: boolean;
}

export interface CreateFileMediaOptions extends FileMediaOptions {
  /** A multiple of MEDIA_BLOCK_SIZE. */
  sizeBytes: number;
  /**
   * Write zeros rather than only reserve blocks: durable writes are then several times faster, as
   * they change no metadata of the file system. Costs one pass over the file. Default false.
   */
  written?: boolean;
}

const NO_HANDLE: Handle = 0;
const asMediaInfo: Decode<MediaInfo> = (_low, _high, value) =>
  readMediaInfo(new AnswerReader(value as Uint8Array));
const asArrayBuffer: Decode<ArrayBuffer> = (_low, _high, value) => value as ArrayBuffer;

/**
 * One device. Transfers in flight are not ordered; a flush covers the writes that had completed
 * before it was called. After a failed flush or durable write the device is failed: every later
 * call is rejected with that first error.
 */
export class Media implements AsyncDisposable {
  readonly #addon: Addon<MediaBinding>;
  readonly #handle: Handle;

  private constructor(addon: Addon<MediaBinding>, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  /**
   * A device in memory: zeros at first, gone when closed.
   * @throws DaosError DER_INVAL for a size that is no multiple of the block, DER_NOMEM.
   */
  static async openMemory({ name = 'memory', sizeBytes }: MemoryMediaOptions): Promise<Media> {
    const addon = loadMedia();
    addon.operations.command.begin().text(name).u64(sizeBytes);
    return new Media(
      addon,
      await addon.operations.run(addon.binding.mediaOpenMemory, NO_HANDLE, asNumber),
    );
  }

  /**
   * An existing file, of which whole blocks are used, or a block device; locked against a second
   * opening.
   * @throws DaosError DER_NONEXIST, DER_NO_PERM, DER_BUSY when it is in use, DER_INVAL when it is
   * neither or empty.
   */
  static open(path: string, options: FileMediaOptions = {}): Promise<Media> {
    return Media.#openFile(path, 0, false, options);
  }

  /**
   * Creates a file of `sizeBytes` with its blocks reserved, and opens it.
   * @throws DaosError DER_EXIST, DER_NOSPACE (nothing is left behind), DER_NO_PERM, DER_INVAL.
   */
  static async create(
    path: string,
    { sizeBytes, written = false, ...options }: CreateFileMediaOptions,
  ): Promise<Media> {
    if (sizeBytes === 0) throw new DaosError('DER_INVAL', `${path}: a device of no bytes`);
    return Media.#openFile(path, sizeBytes, written, options);
  }

  static async #openFile(
    path: string,
    createSizeBytes: number,
    isWritten: boolean,
    { direct = true }: FileMediaOptions,
  ): Promise<Media> {
    const addon = loadMedia();
    addon.operations.command
      .begin()
      .text(path)
      .u64(createSizeBytes)
      .boolean(isWritten)
      .boolean(direct);
    return new Media(
      addon,
      await addon.operations.run(addon.binding.mediaOpenFile, NO_HANDLE, asNumber),
    );
  }

  /**
   * Zeroed memory that every Media transfers without a copy; other memory is copied once on its
   * way.
   */
  static async allocate(sizeBytes: number): Promise<Uint8Array> {
    const { operations, binding } = loadMedia();
    operations.command.begin().u64(sizeBytes);
    return new Uint8Array(await operations.run(binding.mediaAllocate, NO_HANDLE, asArrayBuffer));
  }

  /**
   * Fills `into` from `offset` (bytes). `into` belongs to the device until the promise is settled.
   * @throws DaosError DER_INVAL unless in whole blocks inside of the device; DER_IO.
   */
  read(offset: number, into: Uint8Array): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(offset);
    return operations.run(binding.mediaRead, this.#handle, asNothing, into);
  }

  /**
   * Writes `from` at `offset` (bytes); `from` must not change until the promise is settled. With
   * `durable` it has reached the medium by then; else a later flush() makes it so.
   * @throws DaosError DER_INVAL unless in whole blocks inside of the device; DER_IO, DER_NOSPACE.
   */
  write(
    offset: number,
    from: Uint8Array,
    { durable = false }: { durable?: boolean } = {},
  ): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(offset).boolean(durable);
    return operations.run(binding.mediaWrite, this.#handle, asNothing, from);
  }

  /**
   * Makes all writes that have completed durable. @throws DaosError DER_IO: the device is failed
   * from then on.
   */
  flush(): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin();
    return operations.run(binding.mediaFlush, this.#handle, asNothing);
  }

  /** Says that these bytes are of no use any more; what a read then gives is undefined. */
  discard(offset: number, sizeBytes: number): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(offset).u64(sizeBytes);
    return operations.run(binding.mediaDiscard, this.#handle, asNothing);
  }

  /** Size, health and statistics. */
  query(): Promise<MediaInfo> {
    const { operations, binding } = this.#addon;
    operations.command.begin();
    return operations.run(binding.mediaQuery, this.#handle, asMediaInfo);
  }

  /** Waits for what is in flight, then releases the device. */
  close(): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin();
    return operations.run(binding.mediaClose, this.#handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
