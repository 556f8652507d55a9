// Notices ranks whose server has fallen silent.
//
// Each server renews the leases of its ranks once in a while; a rank whose lease ends becomes
// `suspect`. Leases live in the memory of the host that leads: a new leader gives every rank a new
// one, and a rank that comes back is taken in again. A lease belongs to one incarnation: what was
// silent is never held against a rank that has joined since. Time in which this host did not run
// (stopped, or without a processor) or the store did not answer counts against nobody: renewals may
// have waited for that.
//
// A suspect rank stays in the pool maps. Excluding it would move its data's place without moving
// the data; that is an administrator's decision.

import type { ControlContext } from '../control-context.js';
import { listRanks, suspectRank } from './rank-registry.js';

export const RANK_LEASE_MS = 5000;
/** How often a server renews. */
export const RANK_RENEWAL_MS = 1000;

export interface RankRenewal {
  readonly rank: number;
  readonly incarnation: number;
}

interface RankLease {
  readonly incarnation: number;
  readonly renewedMs: number;
}

export class RankLeases {
  readonly #context: ControlContext;
  readonly #leases = new Map<number, RankLease>();
  /** Ranks that are being taken in, and how often: they renew nothing until that is done. */
  readonly #joining = new Map<number, number>();
  /** When the ranks were last listed. */
  #checkedMs = 0;
  #cancel: (() => void) | undefined;

  constructor(context: ControlContext) {
    this.#context = context;
  }

  start(): void {
    this.#checkedMs = this.#context.clock.monotonicMs();
    this.#scheduleCheck();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The rank is not silent while `join` takes it in, however long its pools take to open. */
  async whileJoining<T>(rank: number, join: () => Promise<T>): Promise<T> {
    this.#joining.set(rank, (this.#joining.get(rank) ?? 0) + 1);
    try {
      return await join();
    } finally {
      const count = (this.#joining.get(rank) ?? 1) - 1;
      if (count > 0) this.#joining.set(rank, count);
      else this.#joining.delete(rank);
      // Its time begins now.
      this.#leases.delete(rank);
    }
  }

  /** The ranks that are not in the system as they say: they have to join again. */
  async renew(renewals: readonly RankRenewal[]): Promise<number[]> {
    const renewedMs = this.#context.clock.monotonicMs();
    for (const { rank, incarnation } of renewals) {
      this.#leases.set(rank, { incarnation, renewedMs });
    }
    const known = await listRanks(this.#context);
    const lost: number[] = [];
    for (const { rank, incarnation } of renewals) {
      const record = known.find((r) => r.rank === rank);
      if (record?.state === 'excluded') continue;
      const isCurrent = record?.state === 'joined' && record.incarnation === incarnation;
      if (!isCurrent) lost.push(rank);
    }
    return lost;
  }

  #scheduleCheck(): void {
    this.#cancel = this.#context.clock.schedule(RANK_RENEWAL_MS, () => {
      this.#check()
        .catch((error: unknown) => {
          this.#context.log.warn('leases of ranks are not checked', { error: String(error) });
        })
        .finally(() => {
          if (this.#cancel) this.#scheduleCheck();
        });
    });
  }

  async #check(): Promise<void> {
    const ranks = await listRanks(this.#context);
    this.#forgiveDelay();
    for (const { rank, state, incarnation } of ranks) {
      const lease = this.#leaseOf(rank, incarnation);
      const silentMs = this.#context.clock.monotonicMs() - lease.renewedMs;
      if (state !== 'joined' || this.#joining.has(rank) || silentMs < RANK_LEASE_MS) continue;
      const reason = `its server has been silent for ${RANK_LEASE_MS / 1000} s`;
      if (await suspectRank(this.#context, { rank, incarnation }, reason)) {
        this.#context.log.warn(`rank ${rank} is suspect: ${reason}`);
      }
    }
  }

  /** A new one for a rank, or an incarnation of it, that is seen for the first time. */
  #leaseOf(rank: number, incarnation: number): RankLease {
    const known = this.#leases.get(rank);
    if (known?.incarnation === incarnation) return known;
    const lease = { incarnation, renewedMs: this.#context.clock.monotonicMs() };
    this.#leases.set(rank, lease);
    return lease;
  }

  #forgiveDelay(): void {
    const nowMs = this.#context.clock.monotonicMs();
    const lateMs = nowMs - this.#checkedMs - RANK_RENEWAL_MS;
    this.#checkedMs = nowMs;
    if (lateMs < RANK_RENEWAL_MS) return;
    for (const [rank, lease] of this.#leases) {
      const renewedMs = Math.min(nowMs, lease.renewedMs + lateMs);
      this.#leases.set(rank, { ...lease, renewedMs });
    }
  }
}
