// Notices ranks whose server has fallen silent.
//
// Each server renews the leases of its ranks once in a while; a rank whose lease ends becomes
// `suspect`. Leases live in the memory of the host that leads: a new leader gives every rank a new
// one, and a rank that comes back is taken in again.
//
// A suspect rank stays in the pool maps. Excluding it would move its data's place without moving
// the data; that is an administrator's decision.

import type { ControlContext } from '../control-context.js';
import { listRanks, setRankState } from './rank-registry.js';

export const RANK_LEASE_MS = 5000;
/** How often a server renews. */
export const RANK_RENEWAL_MS = 1000;

export interface RankRenewal {
  readonly rank: number;
  readonly incarnation: number;
}

export class RankLeases {
  readonly #context: ControlContext;
  readonly #renewedMs = new Map<number, number>();
  #cancel: (() => void) | undefined;

  constructor(context: ControlContext) {
    this.#context = context;
  }

  start(): void {
    this.#scheduleCheck();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** A rank has just joined. */
  begin(rank: number): void {
    this.#renewedMs.set(rank, this.#context.clock.monotonicMs());
  }

  /** The ranks that are not in the system as they say: they have to join again. */
  async renew(renewals: readonly RankRenewal[]): Promise<number[]> {
    const known = await listRanks(this.#context);
    const nowMs = this.#context.clock.monotonicMs();
    const lost: number[] = [];
    for (const { rank, incarnation } of renewals) {
      this.#renewedMs.set(rank, nowMs);
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
    for (const { rank, state } of await listRanks(this.#context)) {
      const nowMs = this.#context.clock.monotonicMs();
      const renewedMs = this.#renewedMs.get(rank) ?? nowMs;
      this.#renewedMs.set(rank, renewedMs);
      if (state !== 'joined' || nowMs - renewedMs < RANK_LEASE_MS) continue;
      const reason = `its server has been silent for ${RANK_LEASE_MS / 1000} s`;
      this.#context.log.warn(`rank ${rank} is suspect: ${reason}`);
      await setRankState(this.#context, rank, 'suspect', reason, true);
    }
  }
}
