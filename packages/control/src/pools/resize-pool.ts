// Gives the data areas of a pool another size, in durable steps.
//
//   1. One transaction records the new size; the larger of the two is reserved from here on.
//   2. Every engine gives its targets the new size.
//   3. One transaction makes it the pool's.
//
// A failure in step 2, as where the data does not fit, and a stop of the service before step
// 3, are undone: every engine goes back to the old size, for which there is room all along.

import { setTimeout } from 'node:timers/promises';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import {
  readRecord,
  readRecords,
  unchanged,
  updateRecord,
  type ControlContext,
} from '../control-context.js';
import type { EngineControl, EngineParameters } from '../engines/engine-control.js';
import { bytesField } from '../records/fields.js';
import {
  POOL_PREFIX,
  RESERVATION_KEY,
  poolKey,
  poolRecord,
  type PoolFields,
} from '../records/pool-record.js';
import { RANK_PREFIX, rankRecord } from '../records/rank-record.js';
import { formatSize } from '../sizes.js';
import { countDone, type ReportProgress } from '../work-progress.js';
import { findPool } from './find-pool.js';
import { freeSpaceOf, type FreeSpace } from './free-space.js';
import { grain } from './plan.js';

const RESIZE_PAUSE_MS = 100;

export const resizePoolSchema = z
  .strictObject({
    size: bytesField.optional().meta({ description: 'Bytes over all ranks, both tiers together' }),
    dataSizePerRank: bytesField.optional(),
  })
  .refine(
    (r) => (r.size === undefined) !== (r.dataSizePerRank === undefined),
    'give size or dataSizePerRank',
  );
export type ResizePoolRequest = z.infer<typeof resizePoolSchema>;

/** DER_NOSPACE when ranks have no room for it, or the data does not fit: it keeps its size. */
export async function resizePool(
  context: ControlContext,
  name: string,
  request: ResizePoolRequest,
  report?: ReportProgress,
): Promise<PoolFields> {
  const { uuid } = (await findPool(context, name)).fields;
  return await context.poolMutex.run(uuid, async () => {
    await goBack(context, uuid);
    const pool = await recordSize(context, uuid, request);
    try {
      await tellEngines(context, pool, pool.resizedDataBytes ?? pool.dataBytes, report);
    } catch (error) {
      await goBack(context, uuid).catch((cause: unknown) => {
        context.log.warn(`pool '${pool.label}' is left to go back to its size`, {
          error: String(cause),
        });
      });
      throw error;
    }
    return await finish(context, uuid, (fields) => fields.resizedDataBytes ?? fields.dataBytes);
  });
}

/** Of a new size that was never acknowledged. What needs an engine that is away waits for it. */
export async function undoResize(context: ControlContext, uuid: string): Promise<void> {
  try {
    await context.poolMutex.run(uuid, () => goBack(context, uuid));
  } catch (error) {
    if (!DaosError.is(error, 'DER_UNREACH')) throw error;
  }
}

/** Step 1; again from the start when another pool was planned meanwhile. */
async function recordSize(
  context: ControlContext,
  uuid: string,
  request: ResizePoolRequest,
): Promise<PoolFields> {
  for (;;) {
    const reservation = await context.store.get(RESERVATION_KEY);
    const stored = await findPool(context, uuid);
    const resizedDataBytes = dataBytesOf(stored.fields, request);
    await checkFits(context, stored.fields, resizedDataBytes);
    const next: PoolFields = { ...stored.fields, resizedDataBytes };
    const { succeeded } = await context.store.txn(
      [{ key: RESERVATION_KEY, modRevision: reservation?.modRevision ?? 0 }, unchanged(stored)],
      [
        { put: RESERVATION_KEY, value: uuid },
        { put: stored.key, value: poolRecord.encode(next) },
      ],
    );
    if (succeeded) return next;
  }
}

function dataBytesOf(pool: PoolFields, request: ResizePoolRequest): number {
  if (pool.dataBytes === 0) {
    throw new DaosError(
      'DER_INVAL',
      `pool '${pool.label}' keeps everything in its arenas, whose size stays as it is`,
    );
  }
  const targetCount = pool.ranks.reduce((sum, { targets }) => sum + targets.length, 0);
  const { size, dataSizePerRank } = request;
  const dataBytes = grain(
    size !== undefined
      ? size / targetCount - pool.arenaBytes
      : ((dataSizePerRank ?? 0) * pool.ranks.length) / targetCount,
  );
  if (dataBytes > 0) return dataBytes;
  throw new DaosError(
    'DER_INVAL',
    `the arenas of pool '${pool.label}' take ${formatSize(targetCount * pool.arenaBytes)}, which ` +
      `stay: give at least ${formatSize(targetCount * (pool.arenaBytes + 2 ** 20))}`,
  );
}

async function checkFits(
  context: ControlContext,
  pool: PoolFields,
  dataBytes: number,
): Promise<void> {
  const pools = (await readRecords(context, poolRecord, POOL_PREFIX)).map(({ fields }) => fields);
  const ranks = (await readRecords(context, rankRecord, RANK_PREFIX)).map(({ fields }) => fields);
  for (const { rank, targets } of pool.ranks) {
    const known = ranks.find((r) => r.rank === rank);
    const more = targets.length * (dataBytes - pool.dataBytes);
    const free = known ? freeForData(freeSpaceOf(known, pools), targets.length) : 0;
    if (more <= 0 || more <= free) continue;
    throw new DaosError(
      'DER_NOSPACE',
      `pool '${pool.label}' needs ${formatSize(more)} more on rank ${rank}, where ` +
        `${formatSize(free)} are free`,
      { action: `give a smaller size: 'dmg storage query usage' says what is free` },
    );
  }
}

/** What data areas could grow by. */
function freeForData({ storageBytes, groups }: FreeSpace, targetCount: number): number {
  const data = groups?.find(({ roles }) => roles.includes('data'));
  return data ? targetCount * data.bytesPerTarget : storageBytes;
}

/** Step 2; waits for every engine, so that the way back meets no change still under way. */
async function tellEngines(
  context: ControlContext,
  { uuid, ranks }: PoolFields,
  dataBytes: number,
  report?: ReportProgress,
): Promise<void> {
  const done = countDone(ranks.length, 'engines', report);
  const outcomes = await Promise.allSettled(
    ranks.map(async ({ rank }) => {
      await resizeOn(context.engines.engineOf(rank), { uuid, dataBytes });
      done();
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** An engine that moves data to the front answers in between. */
async function resizeOn(
  engine: EngineControl,
  parameters: EngineParameters<'resizePool'>,
): Promise<void> {
  for (;;) {
    try {
      await engine.resizePool(parameters);
      return;
    } catch (error) {
      if (!DaosError.is(error, 'DER_INPROGRESS')) throw error;
      await setTimeout(RESIZE_PAUSE_MS);
    }
  }
}

async function goBack(context: ControlContext, uuid: string): Promise<void> {
  const pool = (await readRecord(context, poolRecord, poolKey(uuid)))?.fields;
  if (pool?.state !== 'ready' || pool.resizedDataBytes === undefined) return;
  await tellEngines(context, pool, pool.dataBytes);
  await finish(context, uuid, (fields) => fields.dataBytes);
}

/** Step 3, and the end of the way back. */
async function finish(
  context: ControlContext,
  uuid: string,
  sizeOf: (fields: PoolFields) => number,
): Promise<PoolFields> {
  return await updateRecord(context, poolRecord, poolKey(uuid), (fields) => {
    const { resizedDataBytes: _, ...rest } = fields;
    return { ...rest, dataBytes: sizeOf(fields) };
  });
}
