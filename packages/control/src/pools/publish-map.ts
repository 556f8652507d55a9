// Tells the engines of a pool its map, so that a client with an older one gets it from whichever
// engine it asks next, and goes on without asking here.
//
// After each change of the map, and before an engine opens the pool. Nothing depends on it: an
// engine that could not be told serves clients by the map that they have, and is told again when it
// joins.

import { readRecord, readRecords, type ControlContext } from '../control-context.js';
import { poolKey, poolRecord } from '../records/pool-record.js';
import { RANK_PREFIX, rankRecord } from '../records/rank-record.js';
import { poolMapOf } from './describe-pool.js';

/** Who waits for the change does not wait longer than this for an engine that hangs. */
const WAIT_MS = 2000;

/** To `ranks`; to those of the pool that have joined when left out. */
export async function publishMap(
  context: ControlContext,
  uuid: string,
  ranks?: readonly number[],
): Promise<void> {
  // One after the other: what is read last is sent last.
  await context.poolMutex.run(`map of ${uuid}`, async () => {
    const pool = (await readRecord(context, poolRecord, poolKey(uuid)))?.fields;
    if (pool?.state !== 'ready') return;
    const known = (await readRecords(context, rankRecord, RANK_PREFIX)).map((r) => r.fields);
    const joined = known.filter(({ state }) => state === 'joined').map(({ rank }) => rank);
    const map = poolMapOf(pool, known);
    const told = pool.ranks.map(({ rank }) => rank);
    const wanted = told.filter((rank) => (ranks ?? joined).includes(rank));
    await atMost(context, Promise.all(wanted.map((rank) => tell(context, rank, { uuid, map }))));
  });
}

async function tell(
  context: ControlContext,
  rank: number,
  parameters: { uuid: string; map: ReturnType<typeof poolMapOf> },
): Promise<void> {
  try {
    await context.engines.engineOf(rank).setPoolMap(parameters);
  } catch (error) {
    context.log.warn(`rank ${rank} does not know the newest map of pool ${parameters.uuid}`, {
      error: String(error),
    });
  }
}

async function atMost(context: ControlContext, told: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = context.clock.schedule(WAIT_MS, resolve);
  });
  await Promise.race([told, late]);
  cancel();
}
