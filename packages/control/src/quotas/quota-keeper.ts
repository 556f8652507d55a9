// Waits for targets that want more of a quota, and balances it.
//
// Life cycle of a rank: watch → (engine tells → balance)… → its engine is away, or no container on
//                       it has a quota. A rank that joins, and a new quota, begin it again.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, type ControlContext } from '../control-context.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import { POOL_PREFIX, poolKey, poolRecord, type PoolFields } from '../records/pool-record.js';
import { balanceQuota, hasQuota } from './balance-quota.js';

/** After an engine that answered with an error that may pass. */
const PAUSE_MS = 1000;

export class QuotaKeeper {
  readonly #context: ControlContext;
  readonly #watched = new Set<number>();
  #isRunning = false;

  constructor(context: ControlContext) {
    this.#context = context;
  }

  /** Of the host that acts. */
  start(): void {
    this.#isRunning = true;
    void this.#watchAll().catch((error: unknown) => {
      this.#context.log.warn('quotas are not watched', { error: String(error) });
    });
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** A container of `pool` has got a quota. */
  watchPool(pool: PoolFields): void {
    for (const { rank } of pool.ranks) this.#watch(rank);
  }

  async watchContainersOf(poolUuid: string): Promise<void> {
    const pool = await readRecord(this.#context, poolRecord, poolKey(poolUuid));
    if (pool) this.watchPool(pool.fields);
  }

  /** The engine of `rank` has started anew. */
  async watchRank(rank: number): Promise<void> {
    for (const pool of await this.#poolsWithQuotas()) {
      if (pool.ranks.some((share) => share.rank === rank)) this.watchPool(pool);
    }
  }

  async #watchAll(): Promise<void> {
    for (const pool of await this.#poolsWithQuotas()) this.watchPool(pool);
  }

  async #poolsWithQuotas(): Promise<PoolFields[]> {
    const found: PoolFields[] = [];
    for (const { fields: pool } of await readRecords(this.#context, poolRecord, POOL_PREFIX)) {
      const prefix = containerPrefix(pool.uuid);
      const containers = await readRecords(this.#context, containerRecord, prefix);
      if (containers.some(({ fields }) => hasQuota(fields.properties))) found.push(pool);
    }
    return found;
  }

  #watch(rank: number): void {
    if (!this.#isRunning || this.#watched.has(rank)) return;
    this.#watched.add(rank);
    void this.#serve(rank).finally(() => this.#watched.delete(rank));
  }

  async #serve(rank: number): Promise<void> {
    while (this.#isRunning) {
      try {
        const { containers } = await this.#context.engines.engineOf(rank).awaitQuotaRequests({});
        if (!this.#isRunning) return;
        await Promise.all(containers.map(({ pool, uuid }) => this.#balance(pool, uuid)));
      } catch (error) {
        if (DaosError.is(error, 'DER_UNREACH') || !this.#isRunning) return;
        if (DaosError.is(error, 'DER_NO_HDL') || DaosError.is(error, 'DER_STALE')) return;
        this.#context.log.warn(`quotas on rank ${rank} are not watched`, { error: String(error) });
        await new Promise<void>((resolve) => this.#context.clock.schedule(PAUSE_MS, resolve));
      }
    }
  }

  async #balance(poolUuid: string, uuid: string): Promise<void> {
    const pool = await readRecord(this.#context, poolRecord, poolKey(poolUuid));
    if (pool) await balanceQuota(this.#context, pool.fields, uuid);
  }
}
