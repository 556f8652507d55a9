// Finishes what was interrupted, when the control service starts and whenever a rank joins.
//
// A pool in `creating` was never acknowledged: it is undone. One in `destroying` is destroyed to
// the end. A ready pool is opened on the ranks that have it, and a new size of it that was never
// acknowledged is undone. What needs an engine that is away waits for that engine to join; what the
// store kept from being cleared away is tried again in turns (unfinished-pools.ts).

import { readRecords, type ControlContext } from '../control-context.js';
import { healContainers } from '../containers/heal-containers.js';
import { giveRecordedParts } from '../quotas/balance-quota.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import { findUnfinishedPools } from './destroy-pool.js';
import { keyOfPool } from './evict-pool.js';
import { publishMap } from './publish-map.js';
import { undoResize } from './resize-pool.js';
import type { UnfinishedPools } from './unfinished-pools.js';

/** After a start of the service. Pools that this process is at work on must not exist yet. */
export async function healPools(
  context: ControlContext,
  unfinished: UnfinishedPools,
): Promise<void> {
  for (const { uuid } of await findUnfinishedPools(context)) await unfinished.finish(uuid);
  for (const { fields } of await readRecords(context, poolRecord, POOL_PREFIX)) {
    if (fields.state !== 'ready') continue;
    await healContainers(context, fields);
    await undoResize(context, fields.uuid);
  }
}

/** After a start of the engine of `rank`. */
export async function healRank(
  context: ControlContext,
  unfinished: UnfinishedPools,
  rank: number,
): Promise<void> {
  const pools = (await readRecords(context, poolRecord, POOL_PREFIX)).map((p) => p.fields);
  const mine = pools.filter((pool) => pool.ranks.some((r) => r.rank === rank));
  await Promise.all(
    mine.map(async (pool) => {
      try {
        await healOnRank(context, unfinished, pool, rank);
      } catch (error) {
        context.log.error(`pool '${pool.label}' cannot be opened on rank ${rank}`, {
          error: String(error),
        });
      }
    }),
  );
}

async function healOnRank(
  context: ControlContext,
  unfinished: UnfinishedPools,
  pool: PoolFields,
  rank: number,
): Promise<void> {
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
    await unfinished.finish(pool.uuid);
  }
  // A pool in `creating` belongs to a request under way here, which undoes it itself.
}

/** Before the pool is open: no update comes in between. */
async function giveQuotas(context: ControlContext, pool: PoolFields, rank: number): Promise<void> {
  const prefix = containerPrefix(pool.uuid);
  for (const { fields } of await readRecords(context, containerRecord, prefix)) {
    await giveRecordedParts(context, fields, rank);
  }
}
