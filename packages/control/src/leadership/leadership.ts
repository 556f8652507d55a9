// Which of several control hosts acts: the one whose key in the store is tied to its lease.
//
// Life cycle: standing by ⇄ leading → stopped. A leader that cannot renew its lease within the
//             lease's time stops leading by its own clock, before the store lets another lead.
// Invariant:  terms rise: a later leader has a higher one.

import { DaosError } from '@daos/model';
import type { Clock } from '../clock.js';
import type { Log } from '../control-context.js';
import { LEADER_KEY } from '../metadata/fenced-store.js';
import type { Lease, MetadataStore } from '../metadata/metadata-store.js';

export const LEADER_LEASE_MS = 3000;
/** How often a host that stands by looks whether the leader is gone. */
const LOOK_MS = 250;
/** Renewals in the time of one lease. */
const RENEWAL_COUNT = 4;

export interface LeadershipOptions {
  readonly store: MetadataStore;
  /** How callers reach this host, for those who ask another. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** This host acts from now on. What it rejects with ends the term. */
  readonly onLead: (term: number) => Promise<void>;
  readonly onLose: () => void;
  readonly leaseMs?: number;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #leaseMs: number;
  #leaderUrl: string | undefined;
  #isStopped = false;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEADER_LEASE_MS;
  }

  /** Of the host that leads, as far as this one knows; undefined while none does. */
  get leaderUrl(): string | undefined {
    return this.#leaderUrl;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Gives the lead back at once, so that another host need not wait for the lease to end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (!(await this.#look())) await this.#lead();
      } catch (error) {
        this.#leaderUrl = undefined;
        this.#options.log.warn('the metadata store does not answer', { error: String(error) });
      }
      await this.#pause(LOOK_MS);
    }
  }

  /** Whether there is a leader. */
  async #look(): Promise<boolean> {
    const entry = await this.#options.store.get(LEADER_KEY);
    this.#leaderUrl = entry && (JSON.parse(entry.value) as { url: string }).url;
    return entry !== undefined;
  }

  async #lead(): Promise<void> {
    const { store, url, clock, log, onLead, onLose } = this.#options;
    const lease = await store.lease(this.#leaseMs);
    const grantedMs = clock.monotonicMs();
    const { succeeded, revision } = await store.txn(
      [{ key: LEADER_KEY, modRevision: 0 }],
      [{ put: LEADER_KEY, value: JSON.stringify({ url }), leaseId: lease.id }],
    );
    if (!succeeded) return await lease.revoke();
    log.info('this control host leads', { term: revision });
    this.#leaderUrl = url;
    const kept = this.#keep(lease, grantedMs);
    try {
      await Promise.race([onLead(revision), kept]);
      await kept;
    } finally {
      this.#leaderUrl = undefined;
      onLose();
      log.info('this control host leads no longer', { term: revision });
      await lease.revoke().catch(() => {});
    }
  }

  /** Resolves when the lease is lost or to be given back. */
  async #keep(lease: Lease, grantedMs: number): Promise<void> {
    const { clock, log } = this.#options;
    const periodMs = this.#leaseMs / RENEWAL_COUNT;
    let renewedMs = grantedMs;
    while (!this.#isStopped) {
      await this.#pause(periodMs);
      const startedMs = clock.monotonicMs();
      if (startedMs - renewedMs >= this.#leaseMs) return;
      const leftMs = this.#leaseMs - (startedMs - renewedMs);
      try {
        await this.#within(leftMs, lease.keepAlive());
        renewedMs = startedMs;
      } catch (error) {
        log.warn('the lead could not be renewed', { error: String(error) });
        if (DaosError.is(error, 'DER_NONEXIST')) return;
      }
    }
  }

  async #within(limitMs: number, action: Promise<void>): Promise<void> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      const error = new DaosError('DER_TIMEDOUT', 'the metadata store does not answer in time');
      cancel = this.#options.clock.schedule(limitMs, () => reject(error));
    });
    await Promise.race([action, late]).finally(cancel);
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
