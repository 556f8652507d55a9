// Pools as callers see them: with their map, or with the space they use.

import type { PoolDescription, PoolMap } from '@daos/model';
import * as z from 'zod';
import { readRecords, type ControlContext } from '../control-context.js';
import { poolUsageSchema, type PoolUsage } from '../engines/engine-control.js';
import { bytesField, labelField, rankField, uuidField } from '../records/fields.js';
import { poolMapSchema } from '../records/pool-map.js';
import {
  POOL_PREFIX,
  poolRecord,
  poolStateField,
  targetStateField,
  type PoolFields,
} from '../records/pool-record.js';
import { RANK_PREFIX, rankRecord, type RankFields } from '../records/rank-record.js';
import { findPool } from './find-pool.js';

export const poolDescriptionSchema = z.object({
  uuid: uuidField,
  label: labelField,
  map: poolMapSchema,
}) satisfies z.ZodType<PoolDescription>;

export const poolSummarySchema = z.object({
  uuid: uuidField,
  label: labelField,
  state: poolStateField,
  ranks: z.array(rankField),
  targetCount: z.int(),
  sizeBytes: bytesField,
  resizedToBytes: bytesField
    .optional()
    .meta({ description: 'While it is given another size: that one' }),
});
export type PoolSummary = z.infer<typeof poolSummarySchema>;

const tierSchema = z.object({
  totalBytes: bytesField,
  freeBytes: bytesField,
  targetFreeBytesMin: bytesField,
  targetFreeBytesMax: bytesField,
  imbalancePercent: z.number().meta({ description: '(most − least free) / a target’s size' }),
});

export const poolStatusSchema = poolSummarySchema.extend({
  mapVersion: z.int(),
  createdMs: z.int(),
  containerCount: z.int(),
  /** Metadata and small values. */
  arena: tierSchema,
  data: tierSchema,
  targets: z.array(
    poolUsageSchema.shape.targets.element.extend({ rank: rankField, state: targetStateField }),
  ),
  unreachableRanks: z.array(rankField),
});
export type PoolStatus = z.infer<typeof poolStatusSchema>;

export async function describePool(
  context: ControlContext,
  name: string,
): Promise<PoolDescription> {
  const { fields } = await findPool(context, name);
  const ranks = (await readRecords(context, rankRecord, RANK_PREFIX)).map((r) => r.fields);
  return { uuid: fields.uuid, label: fields.label, map: poolMapOf(fields, ranks) };
}

export function poolMapOf(pool: PoolFields, ranks: readonly RankFields[]): PoolMap {
  return {
    version: pool.mapVersion,
    ranks: pool.ranks.map(({ rank, targets }) => {
      const known = ranks.find((r) => r.rank === rank);
      return {
        rank,
        state: known?.state === 'awaitformat' ? 'stopped' : (known?.state ?? 'errored'),
        incarnation: known?.incarnation ?? 0,
        faultDomain: known?.faultDomain ?? '/unknown',
        targets: targets.map(({ state }, index) => ({
          index,
          state,
          addresses: known?.addresses[index] ?? [],
        })),
      };
    }),
  };
}

export async function listPools(context: ControlContext): Promise<PoolSummary[]> {
  const pools = await readRecords(context, poolRecord, POOL_PREFIX);
  return pools.map(({ fields }) => summaryOf(fields)).sort((a, b) => (a.label < b.label ? -1 : 1));
}

export async function queryPool(
  context: ControlContext,
  name: string,
  containerCount: (poolUuid: string) => Promise<number>,
): Promise<PoolStatus> {
  const { fields } = await findPool(context, name);
  const answers = await Promise.all(
    fields.ranks.map(async ({ rank }) => ({
      rank,
      usage: await usageOn(context, rank, fields.uuid),
    })),
  );
  const targets = answers.flatMap(({ rank, usage }) =>
    (usage?.targets ?? []).map((target) => ({
      rank,
      ...target,
      state: stateOf(fields, rank, target.index),
    })),
  );
  // One that has stopped has no room, and says nothing about how evenly the others are filled.
  const serving = targets.filter(({ failure }) => failure === undefined);
  return {
    ...summaryOf(fields),
    mapVersion: fields.mapVersion,
    createdMs: fields.createdMs,
    containerCount: await containerCount(fields.uuid),
    arena: tierOf(serving.map((t) => t.arena)),
    data: tierOf(serving.map((t) => t.data)),
    targets,
    unreachableRanks: answers.filter(({ usage }) => !usage).map(({ rank }) => rank),
  };
}

function stateOf(pool: PoolFields, rank: number, index: number) {
  return pool.ranks.find((share) => share.rank === rank)?.targets[index]?.state ?? 'new';
}

async function usageOn(
  context: ControlContext,
  rank: number,
  uuid: string,
): Promise<PoolUsage | undefined> {
  try {
    return await context.engines.engineOf(rank).queryPool({ uuid });
  } catch (error) {
    context.log.warn(`rank ${rank} does not tell the space of pool ${uuid}`, {
      error: String(error),
    });
    return undefined;
  }
}

export function summaryOf(pool: PoolFields): PoolSummary {
  const targetCount = pool.ranks.reduce((sum, rank) => sum + rank.targets.length, 0);
  const sizeOf = (dataBytes: number) => targetCount * (pool.arenaBytes + dataBytes);
  const { resizedDataBytes: resized } = pool;
  return {
    uuid: pool.uuid,
    label: pool.label,
    state: pool.state,
    ranks: pool.ranks.map(({ rank }) => rank),
    targetCount,
    sizeBytes: sizeOf(pool.dataBytes),
    ...(resized !== undefined && { resizedToBytes: sizeOf(resized) }),
  };
}

function tierOf(
  usages: readonly { usedBytes: number; totalBytes: number }[],
): z.infer<typeof tierSchema> {
  const free = usages.map((u) => Math.max(0, u.totalBytes - u.usedBytes));
  const totalBytes = usages.reduce((sum, u) => sum + u.totalBytes, 0);
  const least = usages.length ? Math.min(...free) : 0;
  const most = usages.length ? Math.max(...free) : 0;
  const mean = usages.length ? totalBytes / usages.length : 0;
  return {
    totalBytes,
    freeBytes: free.reduce((sum, f) => sum + f, 0),
    targetFreeBytesMin: least,
    targetFreeBytesMax: most,
    imbalancePercent: mean ? Math.round(((most - least) / mean) * 1000) / 10 : 0,
  };
}
