// What a handler gets besides the request: who asks, until when, and the payload both ways.
import { DaosError } from '@daos/model';
import { asNothing, asNumber, type Handle } from '@daos/native';
import type { RpcAddon } from './binding.js';

/** A request as the core reports it. */
export interface ArrivedRequest {
  id: bigint;
  opcode: number;
  session: bigint;
  remainingMs: number;
  dataSize: number;
  roomSize: number;
  isRoomRemote: boolean;
  body: Uint8Array;
}

/** Valid until the handler has ended. */
export class RequestContext {
  /** The caller's session: the same for all calls of one endpoint while it stays connected. */
  readonly session: bigint;
  /** When the caller gives up, as performance.now() counts. */
  readonly deadlineMs: number;
  /** Bytes of payload that the caller offers to read(). */
  readonly dataSize: number;
  /** Bytes of payload that the caller has room for. */
  readonly roomSize: number;
  readonly #addon: RpcAddon;
  readonly #handle: Handle;
  readonly #id: bigint;
  readonly #isRoomRemote: boolean;
  readonly #transfers = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;
  #answerData: Uint8Array | undefined;
  #isEnded = false;

  constructor(addon: RpcAddon, handle: Handle, arrived: ArrivedRequest) {
    this.#addon = addon;
    this.#handle = handle;
    this.#id = arrived.id;
    this.#isRoomRemote = arrived.isRoomRemote;
    this.session = arrived.session;
    this.deadlineMs = performance.now() + arrived.remainingMs;
    this.dataSize = arrived.dataSize;
    this.roomSize = arrived.roomSize;
  }

  /**
   * Aborts when nobody waits for the answer any more: the caller has cancelled, is gone, or its
   * deadline is over. Told within some milliseconds.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#watch();
    return this.#signal;
  }

  /**
   * Fills `into` with the caller's payload from `offset` on, by RMA without a copy where it is
   * large.
   * @throws DaosError DER_INVAL beyond dataSize, DER_UNREACH, DER_CANCELED, DER_TIMEDOUT.
   */
  read(into: Uint8Array | readonly Uint8Array[], offset = 0): Promise<void> {
    return this.#transfer('rpcPull', into, offset);
  }

  /** The caller's payload, whole. */
  async readAll(): Promise<Uint8Array> {
    const into = new Uint8Array(this.dataSize);
    if (this.dataSize > 0) await this.read(into);
    return into;
  }

  /**
   * Puts `data` into the caller's memory at `offset`, before the answer.
   * @throws DaosError DER_TRUNC beyond roomSize, DER_UNREACH, DER_CANCELED, DER_TIMEDOUT.
   */
  async write(data: Uint8Array, offset = 0): Promise<void> {
    if (offset + data.byteLength > this.roomSize) {
      const wanted = `${data.byteLength} bytes at ${offset}`;
      const message = `${wanted}; the caller has room for ${this.roomSize}`;
      throw new DaosError('DER_TRUNC', message);
    }
    if (data.byteLength === 0) return;
    if (this.#isRoomRemote) await this.#transfer('rpcPush', data, offset);
    else this.#keep(data, offset);
  }

  /** For the loop: resolves when no transfer is under way. */
  async settle(): Promise<void> {
    while (this.#transfers.size > 0) await Promise.allSettled(this.#transfers);
  }

  /** For the loop: payload that goes with the answer. */
  get answerData(): Uint8Array | undefined {
    return this.#answerData;
  }

  /** For the loop: the handler has ended. */
  end(): void {
    this.#isEnded = true;
  }

  /** A room that is not reached by RMA is small: its payload goes inside of the answer. */
  #keep(data: Uint8Array, offset: number): void {
    const size = Math.max(this.#answerData?.byteLength ?? 0, offset + data.byteLength);
    const grown = new Uint8Array(size);
    if (this.#answerData !== undefined) grown.set(this.#answerData);
    grown.set(data, offset);
    this.#answerData = grown;
  }

  #transfer(
    name: 'rpcPull' | 'rpcPush',
    memory: Uint8Array | readonly Uint8Array[],
    offset: number,
  ): Promise<void> {
    if (this.#isEnded) {
      return Promise.reject(new DaosError('DER_NO_HDL', 'the request has been answered'));
    }
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(this.#id).u64(offset);
    const transfer = operations.run(binding[name], this.#handle, asNothing, memory);
    const isDone = (): boolean => this.#transfers.delete(transfer);
    this.#transfers.add(transfer);
    transfer.then(isDone, isDone);
    return transfer;
  }

  #watch(): AbortSignal {
    const controller = new AbortController();
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(this.#id);
    operations.run(binding.rpcWatch, this.#handle, asNumber).then(
      (isAbandoned) => {
        if (isAbandoned === 0) return;
        controller.abort(new DaosError('DER_CANCELED', 'nobody waits for the answer any more'));
      },
      // The endpoint closes: whoever asked is told so.
      (error: unknown) => controller.abort(error),
    );
    return controller.signal;
  }
}
