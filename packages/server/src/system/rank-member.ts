// Keeps the ranks of this server members of the system: they join, are renewed, and leave.
//
// The host that acts may change or be away for a while; a join waits for it, since an engine that
// runs belongs into the system sooner or later.

import { RANK_RENEWAL_MS, type Clock, type JoinRequest, type Log } from '@daos/control';
import type { ControlClient } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { RankReporter } from '../engine/supervisor.js';
import type { EngineCommands } from './engine-commands.js';

/** How long a server that stops waits for its last words to arrive. */
const LAST_WORDS_MS = 2000;

interface Member {
  readonly request: JoinRequest;
  readonly incarnation: number;
}

export interface RankMemberOptions {
  /** Of the control hosts; pending until they can be asked. */
  readonly client: Promise<ControlClient>;
  /** Where this server takes commands. */
  readonly controlUrl: () => string;
  readonly commands: EngineCommands;
  readonly clock: Clock;
  readonly log: Log;
}

export class RankMember implements RankReporter {
  readonly #options: RankMemberOptions;
  readonly #members = new Map<number, Member>();
  /** Again, after the system lost them. */
  readonly #joining = new Set<number>();
  readonly #lastWords = new Set<Promise<void>>();
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: RankMemberOptions) {
    this.#options = options;
  }

  start(): void {
    this.#scheduleRenewal();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    const late = new Promise<void>((resolve) =>
      this.#options.clock.schedule(LAST_WORDS_MS, resolve),
    );
    await Promise.race([Promise.allSettled([...this.#lastWords]), late]);
  }

  async join(request: JoinRequest): Promise<void> {
    const { controlUrl, commands, log } = this.#options;
    const client = await this.#options.client;
    const body = { ...request, controlUrl: controlUrl() };
    for (;;) {
      try {
        const { rank, term } = await client.call('joinRank', { body });
        commands.observe(term);
        this.#members.set(request.rank, { request, incarnation: rank.incarnation });
        return;
      } catch (error) {
        if (this.#isStopped || !isPassing(error)) throw error;
        log.warn(`rank ${request.rank} cannot join yet`, { error: String(error) });
      }
    }
  }

  async awaitFormat(request: JoinRequest, reason: string): Promise<void> {
    const client = await this.#options.client;
    const body = { ...request, controlUrl: this.#options.controlUrl(), reason };
    await client.call('awaitFormat', { body });
  }

  async leave(
    rank: number,
    state: 'stopped' | 'errored' | 'suspect',
    reason: string,
  ): Promise<void> {
    this.#members.delete(rank);
    const words = this.#options.client.then(async (client) => {
      await client.call('leaveRank', { params: { rank }, body: { state, reason } });
    });
    this.#lastWords.add(words);
    await words.finally(() => this.#lastWords.delete(words));
  }

  #scheduleRenewal(): void {
    this.#cancel = this.#options.clock.schedule(RANK_RENEWAL_MS, () => {
      this.#renew()
        .catch((error: unknown) => {
          this.#options.log.warn('ranks are not renewed', { error: String(error) });
        })
        .finally(() => {
          if (!this.#isStopped) this.#scheduleRenewal();
        });
    });
  }

  async #renew(): Promise<void> {
    if (this.#members.size === 0) return;
    const ranks = [...this.#members].map(([rank, { incarnation }]) => ({ rank, incarnation }));
    const client = await this.#options.client;
    const { lost, term } = await client.call('renewRanks', { body: { ranks } });
    this.#options.commands.observe(term);
    for (const rank of lost) this.#joinAgain(rank);
  }

  /** The other ranks are renewed meanwhile: opening pools may take longer than a lease. */
  #joinAgain(rank: number): void {
    const member = this.#members.get(rank);
    if (!member || this.#joining.has(rank)) return;
    this.#joining.add(rank);
    this.join(member.request)
      .catch((error: unknown) => {
        this.#options.log.warn(`rank ${rank} cannot join again`, { error: String(error) });
      })
      .finally(() => this.#joining.delete(rank));
  }
}

/** The control hosts may be on their way up, or from one leader to the next. */
function isPassing(error: unknown): boolean {
  return ['DER_UNREACH', 'DER_AGAIN', 'DER_TIMEDOUT', 'DER_STALE', 'DER_SHUTDOWN'].some(
    (code) => DaosError.is(error) && error.code === code,
  );
}
