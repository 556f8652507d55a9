// A store: one directory, any number of containers.
import { randomUUID } from 'node:crypto';
import { AnswerReader, asNothing, asNumber, type Decode, type Handle } from '@daos/native';
import { loadVos, type VosAddon } from './binding.js';
import { VosContainer } from './container.js';

export interface VosOptions {
  /**
   * Where metadata and small values live: in DRAM with a log on disk ('log', the default), or in
   * persistent memory or a memory file system ('pmem').
   */
  arena?: 'log' | 'pmem';
}

export interface CreateVosOptions extends VosOptions {
  /** Metadata and small values. Default 64 MiB. */
  arenaBytes?: number;
  /** Bulk data; 0: everything lives in the arena. Default 256 MiB. */
  dataBytes?: number;
}

/** How much of a store is in use. */
export interface VosSpace {
  arenaTotalBytes: number;
  arenaUsedBytes: number;
  dataTotalBytes: number;
  dataUsedBytes: number;
}

const NO_HANDLE: Handle = 0;
const ARENA_KINDS = ['log', 'pmem'] as const;
const ARENA_BYTES = 64 * 2 ** 20;
const DATA_BYTES = 256 * 2 ** 20;

const asSpace: Decode<VosSpace> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return {
    arenaTotalBytes: answer.size(),
    arenaUsedBytes: answer.size(),
    dataTotalBytes: answer.size(),
    dataUsedBytes: answer.size(),
  };
};

const asTexts: Decode<string[]> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return Array.from({ length: answer.u32() }, () => answer.text());
};

/**
 * A store on a thread of its own. What a write answers is durable: a killed process loses nothing
 * that was answered, and nothing is ever half there.
 */
export class Vos implements AsyncDisposable {
  readonly #addon: VosAddon;
  readonly #handle: Handle;

  private constructor(addon: VosAddon, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  /**
   * Creates a store in a directory, which is made if it is absent, and opens it.
   * @throws DaosError DER_EXIST when there is a store already, DER_NOSPACE, DER_NO_PERM.
   */
  static create(
    path: string,
    { arenaBytes = ARENA_BYTES, dataBytes = DATA_BYTES, ...options }: CreateVosOptions = {},
  ): Promise<Vos> {
    return Vos.#open(path, { arenaBytes, dataBytes }, options);
  }

  /**
   * Opens a store.
   * @throws DaosError DER_NONEXIST; DER_BUSY when another process has it open; DER_DF_INCOMPT for
   * another format version; DER_DF_INVAL for a damaged one.
   */
  static open(path: string, options: VosOptions = {}): Promise<Vos> {
    return Vos.#open(path, undefined, options);
  }

  static async #open(
    path: string,
    sizes: { arenaBytes: number; dataBytes: number } | undefined,
    { arena = 'log' }: VosOptions,
  ): Promise<Vos> {
    const addon = loadVos();
    const command = addon.operations.command
      .begin()
      .text(path)
      .boolean(sizes !== undefined);
    command.u64(sizes?.arenaBytes ?? 0).u64(sizes?.dataBytes ?? 0);
    command.u8(ARENA_KINDS.indexOf(arena));
    return new Vos(addon, await addon.operations.run(addon.binding.vosOpen, NO_HANDLE, asNumber));
  }

  /** Creates a container; returns its UUID. @throws DaosError DER_EXIST, DER_NOSPACE. */
  async createContainer(uuid: string = randomUUID()): Promise<string> {
    this.#addon.operations.command.begin().uuid(uuid);
    await this.#addon.operations.run(
      this.#addon.binding.vosCreateContainer,
      this.#handle,
      asNothing,
    );
    return uuid;
  }

  /** @throws DaosError DER_NONEXIST. */
  async openContainer(uuid: string): Promise<VosContainer> {
    const { operations, binding } = this.#addon;
    operations.command.begin().uuid(uuid);
    const handle = await operations.run(binding.vosOpenContainer, this.#handle, asNumber);
    return new VosContainer(this.#addon, handle, uuid);
  }

  /**
   * Destroys a container; its space comes back bit by bit.
   * @throws DaosError DER_NONEXIST, DER_BUSY while it is open.
   */
  destroyContainer(uuid: string): Promise<void> {
    const { operations, binding } = this.#addon;
    operations.command.begin().uuid(uuid);
    return operations.run(binding.vosDestroyContainer, this.#handle, asNothing);
  }

  /** The UUIDs of all containers. */
  listContainers(): Promise<string[]> {
    this.#addon.operations.command.begin();
    return this.#addon.operations.run(this.#addon.binding.vosListContainers, this.#handle, asTexts);
  }

  space(): Promise<VosSpace> {
    this.#addon.operations.command.begin();
    return this.#addon.operations.run(this.#addon.binding.vosSpace, this.#handle, asSpace);
  }

  /** Waits for what is in flight, then closes the store and its containers. */
  close(): Promise<void> {
    this.#addon.operations.command.begin();
    return this.#addon.operations.run(this.#addon.binding.vosClose, this.#handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
