// Takes a rank out of the pools, and lets it in again: an administrator's decision.
//
// Each pool's map gets a new version in the transaction that changes its targets.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, updateRecord, type ControlContext } from '../control-context.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import { rankKey, rankRecord } from '../records/rank-record.js';

/** Clients stop using its targets. What lies there alone cannot be reached meanwhile. */
export async function excludeRank(context: ControlContext, rank: number): Promise<void> {
  await checkKnown(context, rank);
  await updateRecord(context, rankRecord, rankKey(rank), ({ reason: _, ...fields }) => ({
    ...fields,
    state: 'excluded' as const,
    addresses: [],
    reason: 'an administrator excluded it',
  }));
  await setTargets(context, rank, 'excluded');
}

/** The rank is `stopped` until its server has it join again, which a running one does at once. */
export async function clearExcludedRank(context: ControlContext, rank: number): Promise<void> {
  await checkKnown(context, rank);
  await updateRecord(context, rankRecord, rankKey(rank), ({ reason: _, ...fields }) =>
    fields.state === 'excluded' ? { ...fields, state: 'stopped' as const } : undefined,
  );
  await setTargets(context, rank, 'up');
}

async function checkKnown(context: ControlContext, rank: number): Promise<void> {
  if (await readRecord(context, rankRecord, rankKey(rank))) return;
  throw new DaosError('DER_NONEXIST', `there is no rank ${rank}: see 'dmg system query'`);
}

async function setTargets(
  context: ControlContext,
  rank: number,
  state: 'excluded' | 'up',
): Promise<void> {
  for (const { key } of await readRecords(context, poolRecord, POOL_PREFIX)) {
    await updateRecord(context, poolRecord, key, (pool) => withTargets(pool, rank, state)).catch(
      (error: unknown) => {
        // A pool that went meanwhile has no map.
        if (!DaosError.is(error, 'DER_NONEXIST')) throw error;
      },
    );
  }
}

function withTargets(
  pool: PoolFields,
  rank: number,
  state: 'excluded' | 'up',
): PoolFields | undefined {
  const share = pool.ranks.find((r) => r.rank === rank);
  if (!share || share.targets.every((target) => target.state === state)) return undefined;
  return {
    ...pool,
    mapVersion: pool.mapVersion + 1,
    ...(state === 'excluded' && { lossMapVersion: pool.mapVersion + 1 }),
    ranks: pool.ranks.map((r) =>
      r.rank === rank ? { rank, targets: r.targets.map(() => ({ state })) } : r,
    ),
  };
}
