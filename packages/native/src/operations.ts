// Turns completions of the native core into settled promises.
//
// Each operation in flight has a slot: an index into the arrays below. The addon reports a batch of
// completions as numbers in one shared array and calls `#settle` once for all of them.
import { DaosError, type DaosErrorCode } from '@daos/model';
import { CommandWriter } from './command.js';

/** A function of the addon. It never throws; the outcome arrives at `slot`. */
export type NativeFunction = (
  slot: number,
  handle: Handle,
  commandSize: number,
  data?: Uint8Array | readonly Uint8Array[],
) => void;

/** Names something the core holds for this environment; 0 is nothing. */
export type Handle = number;

/** Makes the result of a number (as two halves) or of a value. */
export type Decode<T> = (low: number, high: number, value: unknown) => T;

export const asNothing: Decode<void> = () => undefined;
export const asNumber: Decode<number> = (low, high) => low + high * 0x1_0000_0000;
export const asBigint: Decode<bigint> = (low, high) => (BigInt(high) << 32n) | BigInt(low);
export const asBytes: Decode<Uint8Array> = (_low, _high, value) => value as Uint8Array;

/** What every addon exports for the batch itself. */
export interface BatchBinding {
  attach(
    command: Uint8Array,
    completions: Uint32Array,
    settle: (count: number, values?: unknown[]) => void,
  ): void;
  /**
   * Settles what has completed, without waiting to be woken; returns how many that were. After a
   * call with `isPolling` nothing is woken until one without.
   */
  drain(isPolling: boolean): number;
  /**
   * Asks the core to give up the operation in `slot`; it settles as canceled, or with its result if
   * that was sooner.
   */
  cancel(slot: number): void;
  /**
   * Begins what was submitted since the last call. With `isPolling`, this thread runs the loops of
   * the clients concerned itself, in each drain() until one without.
   */
  flush(isPolling: boolean): void;
}

const COMMAND_SIZE = 64 * 1024;
const BATCH_COUNT_MAX = 1024;
const WORDS_PER_COMPLETION = 4;
/** Turns of JavaScript that submit and don't poll, after polling was in vain again and again. */
const PAUSE_MAX = 255;
/** How often it is looked whether operations wait, and after how many looks one does. */
const LOOK_MS = 500;
const WAITING_LOOKS = 2;
const OUTCOME_NUMBER = 0;
const OUTCOME_ERROR = 2;
const NOW = Promise.resolve();

interface WaitingListener {
  readonly functions: ReadonlySet<NativeFunction>;
  readonly onWaiting: () => void;
}

export class Operations {
  readonly command: CommandWriter;
  readonly #binding: BatchBinding;
  readonly #completions = new Uint32Array(BATCH_COUNT_MAX * WORDS_PER_COMPLETION);
  readonly #resolve: (((value: never) => void) | undefined)[] = [];
  readonly #reject: (((reason: unknown) => void) | undefined)[] = [];
  readonly #decode: Decode<unknown>[] = [];
  // Memory that the core reads or writes stays referenced until its operation ends.
  readonly #pinned: unknown[] = [];
  readonly #submits: NativeFunction[] = [];
  readonly #begunAtLook: number[] = [];
  readonly #waitingListeners = new Set<WaitingListener>();
  #lookTimer: NodeJS.Timeout | undefined;
  #lookCount = 0;
  readonly #free: number[] = [];
  #slotCount = 0;
  #slot = 0;
  #inFlightCount = 0;
  #isPolling = false;
  #isFlushDue = false;
  #settledAtMs = 0;
  #pauseLength = 0;
  #pauseLeft = 0;
  readonly #keep = (resolve: (value: never) => void, reject: (reason: unknown) => void): void => {
    this.#resolve[this.#slot] = resolve;
    this.#reject[this.#slot] = reject;
  };

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    this.#binding.flush(this.#isPolling);
  };

  readonly #poll = (): void => {
    const nowMs = performance.now();
    if (this.#binding.drain(true) > 0) {
      this.#settledAtMs = nowMs;
      this.#pauseLength = 0;
    }
    if (this.#isWorthPolling(nowMs)) {
      setImmediate(this.#poll);
      return;
    }
    this.#isPolling = false;
    // Answers that take longer than polling lasts: each attempt would cost more than it brings.
    if (this.#inFlightCount > 0) {
      this.#pauseLength = Math.min(2 * this.#pauseLength + 1, PAUSE_MAX);
      this.#pauseLeft = this.#pauseLength >> 1;
    }
    this.#binding.drain(false);
  };

  constructor(binding: BatchBinding) {
    this.#binding = binding;
    const bytes = new Uint8Array(COMMAND_SIZE);
    const settle = (count: number, values?: unknown[]): void => this.#settle(count, values);
    this.command = new CommandWriter(bytes, (grown) =>
      binding.attach(grown, this.#completions, settle),
    );
    binding.attach(bytes, this.#completions, settle);
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /**
   * How long JavaScript looks for completions by itself after the last one, before it blocks, in
   * microseconds. While it does it runs the loops of the clients itself: an answer that comes soon
   * needs no change of threads (tens of microseconds where they share a core), at the cost of a
   * busy core. 0 never polls.
   */
  spinMicroseconds = 0;

  /**
   * Calls `submit` with what was written to `command` since its begin(). `data` belongs to the core
   * until the promise is settled. When `signal` aborts, the core is asked to give up; the promise
   * is rejected with the signal's reason as soon as the core no longer uses `data`.
   */
  run<T>(
    submit: NativeFunction,
    handle: Handle,
    decode: Decode<T>,
    data?: Uint8Array | readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<T> {
    const { failure } = this.command;
    if (failure !== undefined) return Promise.reject(failure);
    if (signal !== undefined) return this.#runAbortable(submit, handle, decode, data, signal);
    const slot = this.#free.length > 0 ? (this.#free.pop() as number) : this.#slotCount++;
    this.#slot = slot;
    const promise = new Promise<T>(this.#keep);
    this.#decode[slot] = decode;
    this.#pinned[slot] = data;
    this.#submits[slot] = submit;
    this.#begunAtLook[slot] = this.#lookCount;
    this.#inFlightCount += 1;
    submit(slot, handle, this.command.size, data);
    if (!this.#isFlushDue) this.#flushLater();
    return promise;
  }

  /** At the end of the microtasks: what this turn of JavaScript submits wakes the core once. */
  #flushLater(): void {
    this.#isFlushDue = true;
    if (this.spinMicroseconds > 0 && !this.#isPolling) this.#startPolling();
    void NOW.then(this.#flush);
  }

  /**
   * Calls `onWaiting` every half second while an operation by one of these functions has been in
   * flight for half a second or more, and when one was refused since its target is out of the pool
   * map. Call the result to end that. Keeps no event loop alive.
   */
  watchWaiting(functions: Iterable<NativeFunction>, onWaiting: () => void): () => void {
    const listener = { functions: new Set(functions), onWaiting };
    this.#waitingListeners.add(listener);
    this.#lookTimer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return () => {
      this.#waitingListeners.delete(listener);
      if (this.#waitingListeners.size > 0) return;
      clearInterval(this.#lookTimer);
      this.#lookTimer = undefined;
    };
  }

  #look(): void {
    this.#lookCount += 1;
    if (this.#inFlightCount === 0) return;
    const waiting = new Set<NativeFunction>();
    for (let slot = 0; slot < this.#slotCount; ++slot) {
      const looks = this.#lookCount - (this.#begunAtLook[slot] as number);
      const isInFlight = this.#reject[slot] !== undefined;
      if (isInFlight && looks >= WAITING_LOOKS) waiting.add(this.#submits[slot] as NativeFunction);
    }
    this.#tellWaiting([...waiting]);
  }

  #tellWaiting(submits: readonly NativeFunction[]): void {
    for (const { functions, onWaiting } of this.#waitingListeners) {
      if (submits.some((submit) => functions.has(submit))) onWaiting();
    }
  }

  #isWorthPolling(nowMs: number): boolean {
    return this.#inFlightCount > 0 && nowMs - this.#settledAtMs <= this.spinMicroseconds / 1000;
  }

  #startPolling(): void {
    if (this.#pauseLeft > 0) {
      this.#pauseLeft -= 1;
      return;
    }
    this.#isPolling = true;
    this.#settledAtMs = performance.now();
    setImmediate(this.#poll);
  }

  async #runAbortable<T>(
    submit: NativeFunction,
    handle: Handle,
    decode: Decode<T>,
    data: Uint8Array | readonly Uint8Array[] | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const promise = this.run(submit, handle, decode, data);
    const slot = this.#slot;
    const onAbort = (): void => this.#binding.cancel(slot);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } catch (error) {
      if (signal.aborted && DaosError.is(error, 'DER_CANCELED')) throw signal.reason;
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #settle(count: number, values: unknown[] | undefined): void {
    const completions = this.#completions;
    for (let i = 0; i < count; ++i) {
      const at = i * WORDS_PER_COMPLETION;
      const slot = completions[at] as number;
      const outcome = completions[at + 1] as number;
      const low = completions[at + 2] as number;
      const high = completions[at + 3] as number;
      const value = outcome === OUTCOME_NUMBER ? undefined : values?.[low];
      if (outcome === OUTCOME_ERROR) this.#fail(slot, toDaosError(value));
      else this.#fulfil(slot, low, high, value);
      this.#resolve[slot] = undefined;
      this.#reject[slot] = undefined;
      this.#pinned[slot] = undefined;
      this.#free.push(slot);
    }
    this.#inFlightCount -= count;
  }

  #fail(slot: number, error: DaosError): void {
    this.#reject[slot]?.(error);
    if (error.code === 'DER_BAD_TARGET') this.#tellWaiting([this.#submits[slot] as NativeFunction]);
  }

  #fulfil(slot: number, low: number, high: number, value: unknown): void {
    try {
      this.#resolve[slot]?.(this.#decode[slot]?.(low, high, value) as never);
    } catch (error) {
      this.#reject[slot]?.(error);
    }
  }
}

function toDaosError(value: unknown): DaosError {
  const { code, message } = value as { code: DaosErrorCode; message: string };
  return new DaosError(code, message);
}
