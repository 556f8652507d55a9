// Takes a rank out of the pools, and lets it in again: an administrator's decision.
//
// Each pool's map gets a new version in the transaction that changes its targets; then its engines
// are told of it.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, updateRecord, type ControlContext } from '../control-context.js';
import { publishMap } from '../pools/publish-map.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import { rankKey, rankRecord, type RankFields } from '../records/rank-record.js';

/** Clients stop using its targets. What lies there alone cannot be reached meanwhile. */
export async function excludeRank(context: ControlContext, rank: number): Promise<void> {
  const { state } = await findRank(context, rank);
  await updateRecord(context, rankRecord, rankKey(rank), ({ reason: _, ...fields }) => ({
    ...fields,
    state: 'excluded' as const,
    addresses: [],
    reason: 'an administrator excluded it',
  }));
  const changed = await setTargets(context, rank, 'excluded');
  // One that runs sends its clients elsewhere, too. Any other would only be waited for.
  const told = state === 'joined' ? [rank] : [];
  await Promise.all(
    changed.flatMap((uuid) => [publishMap(context, uuid), publishMap(context, uuid, told)]),
  );
}

/** The rank is `stopped` until its server has it join again, which a running one does at once. */
export async function clearExcludedRank(context: ControlContext, rank: number): Promise<void> {
  await findRank(context, rank);
  await updateRecord(context, rankRecord, rankKey(rank), ({ reason: _, ...fields }) =>
    fields.state === 'excluded' ? { ...fields, state: 'stopped' as const } : undefined,
  );
  const changed = await setTargets(context, rank, 'up');
  await Promise.all(changed.map((uuid) => publishMap(context, uuid)));
}

async function findRank(context: ControlContext, rank: number): Promise<RankFields> {
  const record = await readRecord(context, rankRecord, rankKey(rank));
  if (record) return record.fields;
  throw new DaosError('DER_NONEXIST', `there is no rank ${rank}: see 'dmg system query'`);
}

/** Returns the pools whose map has changed. */
async function setTargets(
  context: ControlContext,
  rank: number,
  state: 'excluded' | 'up',
): Promise<string[]> {
  const changed: string[] = [];
  for (const { key, fields } of await readRecords(context, poolRecord, POOL_PREFIX)) {
    try {
      const now = await updateRecord(context, poolRecord, key, (pool) =>
        withTargets(pool, rank, state),
      );
      if (now.mapVersion !== fields.mapVersion) changed.push(fields.uuid);
    } catch (error) {
      // A pool that went meanwhile has no map.
      if (!DaosError.is(error, 'DER_NONEXIST')) throw error;
    }
  }
  return changed;
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
