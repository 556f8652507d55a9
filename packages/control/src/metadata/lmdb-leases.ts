// The leases of the LMDB store: which exist, which keys are tied to each, and when each runs out.
//
// Leases outlive a restart of the process, as keys do; their time starts anew then, since nobody
// could renew them meanwhile. Time is monotonic: a jump of the wall clock neither expires nor
// prolongs a lease.
//
// Thread: methods marked (in transaction) are called inside a write transaction of the store.

import { DaosError } from '@daos/model';
import type { Database, RootDatabase } from 'lmdb';
import type { Clock } from '../clock.js';
import type { Lease } from './metadata-store.js';

export class LmdbLeases {
  readonly #leases: Database<{ ttlMs: number }, string>;
  readonly #ties: Database<true, [string, string]>;
  readonly #clock: Clock;
  readonly #end: (id: string) => Promise<void>;
  readonly #cancelTimers = new Map<string, () => void>();

  /** `end` takes a lease and deletes its keys, in one transaction. */
  constructor(root: RootDatabase, clock: Clock, end: (id: string) => Promise<void>) {
    this.#leases = root.openDB({ name: 'leases' });
    this.#ties = root.openDB({ name: 'lease_ties' });
    this.#clock = clock;
    this.#end = end;
    for (const { key, value } of this.#leases.getRange()) this.#startTimer(key, value.ttlMs);
  }

  /** (in transaction) */
  grant(id: string, ttlMs: number): void {
    this.#leases.putSync(id, { ttlMs });
  }

  /** Starts the timer of a granted lease. */
  handle(id: string, ttlMs: number): Lease {
    this.#startTimer(id, ttlMs);
    return {
      id,
      ttlMs,
      keepAlive: async () => {
        this.checkAlive(id);
        this.#startTimer(id, ttlMs);
      },
      revoke: () => this.#stop(id),
    };
  }

  /** Fails with DER_NONEXIST unless the lease is alive. */
  checkAlive(id: string): void {
    if (!this.#leases.doesExist(id)) {
      throw new DaosError('DER_NONEXIST', `lease ${id} has expired or was revoked`);
    }
  }

  /** (in transaction) */
  tie(id: string, key: string): void {
    this.#ties.putSync([id, key], true);
  }

  /** (in transaction) */
  untie(id: string, key: string): void {
    this.#ties.removeSync([id, key]);
  }

  close(): void {
    for (const cancel of this.#cancelTimers.values()) cancel();
    this.#cancelTimers.clear();
  }

  /** (in transaction) Ends a lease and returns the keys that were tied to it. */
  take(id: string): string[] {
    this.#leases.removeSync(id);
    return [...this.#ties.getKeys({ start: [id, ''], end: [id, '\u{10ffff}'] })].map(
      ([, key]) => key,
    );
  }

  #startTimer(id: string, ttlMs: number): void {
    this.#cancelTimers.get(id)?.();
    const cancel = this.#clock.schedule(ttlMs, () => {
      // A full disk must not end the process from a timer; the keys go at the next attempt.
      this.#stop(id).catch(() => this.#startTimer(id, ttlMs));
    });
    this.#cancelTimers.set(id, cancel);
  }

  async #stop(id: string): Promise<void> {
    this.#cancelTimers.get(id)?.();
    this.#cancelTimers.delete(id);
    await this.#end(id);
  }
}
