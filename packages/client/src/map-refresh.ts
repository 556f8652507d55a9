// Keeps an open pool's map up to date where it matters: while operations wait, or are refused.
import type { ClientAddon, ClientFunction } from './binding.js';

/** What goes to targets. */
const FUNCTIONS: readonly ClientFunction[] = [
  'containerOpen',
  'objectUpdate',
  'objectFetch',
  'objectPunch',
  'objectEnumerate',
  'objectQuery',
  'arrayWrite',
  'arrayRead',
  'arraySize',
  'arraySetSize',
  'arrayPunch',
];
const PAUSE_MS_MIN = 400;
const PAUSE_MS_MAX = 10_000;

/**
 * Asks for the map of a pool again while operations of this environment have been waiting for half
 * a second: an engine that was started again listens elsewhere; and after one was refused since its
 * target is excluded, which may serve again by now. While nothing changes it asks ever less often.
 */
export class MapRefresh {
  readonly #refresh: () => Promise<void>;
  readonly #stop: () => void;
  #isAsking = false;
  #askedAtMs = -Infinity;
  #pauseMs = PAUSE_MS_MIN;

  /** A refresh that fails is tried again as long as operations wait. */
  constructor({ operations, binding }: ClientAddon, refresh: () => Promise<void>) {
    this.#refresh = refresh;
    const functions = FUNCTIONS.map((name) => binding[name]);
    this.#stop = operations.watchWaiting(functions, () => void this.#ask());
  }

  stop(): void {
    this.#stop();
  }

  async #ask(): Promise<void> {
    const sinceMs = performance.now() - this.#askedAtMs;
    if (this.#isAsking || sinceMs < this.#pauseMs) return;
    this.#pauseMs =
      sinceMs > 2 * PAUSE_MS_MAX ? PAUSE_MS_MIN : Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
    this.#isAsking = true;
    // The operations that wait tell what is wrong.
    await this.#refresh().catch(() => undefined);
    this.#askedAtMs = performance.now();
    this.#isAsking = false;
  }
}
