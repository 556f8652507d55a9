// One watcher's queue between the store that pushes events and the loop that takes them.
//
// Life cycle: open → (push, next)* → ended, after which queued events are still handed out before
//             the end or the error.

import { DaosError } from '@daos/model';
import type { WatchEvent } from './metadata-store.js';

/**
 * A watcher that falls behind by more events than this is ended; it ranges again rather than eat
 * the host's memory.
 */
export const WATCH_BACKLOG_MAX = 65_536;

export class WatchQueue implements AsyncIterableIterator<WatchEvent> {
  #events: WatchEvent[] = [];
  #waiting: { resolve: (r: IteratorResult<WatchEvent>) => void; reject: (e: unknown) => void }[] =
    [];
  #ended = false;
  #error: unknown;
  readonly #onEnd: () => void;

  /** `onEnd` runs once, when the queue ends for whatever reason. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  push(event: WatchEvent): void {
    if (this.#ended) return;
    const waiter = this.#waiting.shift();
    if (waiter) {
      waiter.resolve({ value: event, done: false });
      return;
    }
    this.#events.push(event);
    if (this.#events.length > WATCH_BACKLOG_MAX) {
      this.#events = [];
      this.end(new DaosError('DER_STALE', `watcher fell ${WATCH_BACKLOG_MAX} events behind`));
    }
  }

  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiter of this.#waiting.splice(0)) {
      if (error !== undefined) waiter.reject(error);
      else waiter.resolve({ value: undefined, done: true });
    }
    this.#onEnd();
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const event = this.#events.shift();
    if (event) return Promise.resolve({ value: event, done: false });
    if (!this.#ended) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ value: undefined, done: true });
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#events = [];
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
