// Finishes what was interrupted, when the control service starts and whenever a rank joins.
//
// A pool in `creating` was never acknowledged: it is undone. One in `destroying` is destroyed to
// the end. A ready pool is opened on the ranks that have it, and a new size of it that was never
// acknowledged is undone. What needs an engine that is away waits for that engine to join.

import { DaosError } from '@daos/model';
import { readRecords, type ControlContext } from '../control-context.js';
import { healContainers } from '../containers/heal-containers.js';
import { giveRecordedParts } from '../quotas/balance-quota.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import { findUnfinishedPools, removePool } from './destroy-pool.js';
import { keyOfPool } from './evict-pool.js';
import { publishMap } from './publish-map.js';
import { undoResize } from './resize-pool.js';

/** After a start of the service. Pools that this process is at work on must not exist yet. */
export async function healPools(context: ControlContext): Promise<void> {
  for (const pool of await findUnfinishedPools(context)) await finish(context, pool);
  for (const { fields } of await readRecords(context, poolRecord, POOL_PREFIX)) {
    if (fields.state !== 'ready') continue;
    await healContainers(context, fields);
    await undoResize(context, fields.uuid);
  }
}

/** After a start of the engine of `rank`. */
export async function healRank(context: ControlContext, rank: number): Promise<void> {
  const pools = (await readRecords(context, poolRecord, POOL_PREFIX)).map((p) => p.fields);
  const mine = pools.filter((pool) => pool.ranks.some((r) => r.rank === rank));
  await Promise.all(mine.map((pool) => healOnRank(context, pool, rank)));
}

async function healOnRank(context: ControlContext, pool: PoolFields, rank: number): Promise<void> {
  try {
    if (pool.state === 'ready') {
      await giveQuotas(context, pool, rank);
      await publishMap(context, pool.uuid, [rank]);
      await context.engines.engineOf(rank).openPool({
        uuid: pool.uuid,
        properties: pool.properties,
        ...(await keyOfPool(context, pool.uuid)),
      });
      await healContainers(context, pool);
      await undoResize(context, pool.uuid);
      // The rank listens elsewhere now.
      await publishMap(context, pool.uuid);
    } else if (pool.state === 'destroying') {
      await finish(context, pool);
    }
    // A pool in `creating` belongs to a request under way here, which undoes it itself.
  } catch (error) {
    context.log.error(`pool '${pool.label}' cannot be opened on rank ${rank}`, {
      error: String(error),
    });
  }
}

/** Before the pool is open: no update comes in between. */
async function giveQuotas(context: ControlContext, pool: PoolFields, rank: number): Promise<void> {
  const prefix = containerPrefix(pool.uuid);
  for (const { fields } of await readRecords(context, containerRecord, prefix)) {
    await giveRecordedParts(context, fields, rank);
  }
}

async function finish(context: ControlContext, pool: PoolFields): Promise<void> {
  try {
    await context.poolMutex.run(pool.uuid, () => removePool(context, pool.uuid));
    context.log.info(`pool '${pool.label}' was left ${pool.state} and has been cleared away`);
  } catch (error) {
    if (!DaosError.is(error, 'DER_UNREACH')) throw error;
    context.log.warn(`pool '${pool.label}' waits for an engine to be cleared away`, {
      error: error.message,
    });
  }
}
