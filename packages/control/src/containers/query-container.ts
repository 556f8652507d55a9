// A container with what it uses, and whether all of it is there.

import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { findPool } from '../pools/find-pool.js';
import { quotaOf } from '../quotas/balance-quota.js';
import { bytesField, rankField } from '../records/fields.js';
import type { ContainerFields } from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { containerDescriptionSchema, statusOf } from './describe-container.js';
import { findContainer } from './find-container.js';

export const containerHealthField = z.enum(['HEALTHY', 'UNCLEAN']);

export const containerQuerySchema = containerDescriptionSchema.extend({
  health: containerHealthField.meta({
    description: 'UNCLEAN: targets that held some of it were taken out of the pool since',
  }),
  usedBytes: bytesField.meta({ description: 'On all targets, with every version that is kept' }),
  objectCount: bytesField.meta({ description: 'An object counts once on every target it is on' }),
  quotaBytes: bytesField.optional(),
  quotaObjects: bytesField.optional(),
  unreachableRanks: z.array(rankField).meta({ description: 'Whose use is missing' }),
});
export type ContainerQuery = z.infer<typeof containerQuerySchema>;

export async function queryContainer(
  context: ControlContext,
  poolName: string,
  name: string,
): Promise<ContainerQuery> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  const answers = await Promise.all(
    pool.ranks.map(async ({ rank }) => ({ rank, targets: await usageOn(context, fields, rank) })),
  );
  const targets = answers.flatMap((answer) => answer.targets ?? []);
  const { bytes, objects } = quotaOf(fields.properties);
  return {
    ...statusOf(fields),
    health: healthOf(pool, fields),
    usedBytes: targets.reduce((sum, target) => sum + target.bytes, 0),
    objectCount: targets.reduce((sum, target) => sum + target.objects, 0),
    ...(bytes !== undefined && { quotaBytes: bytes }),
    ...(objects !== undefined && { quotaObjects: objects }),
    unreachableRanks: answers.filter((answer) => !answer.targets).map(({ rank }) => rank),
  };
}

/** No object has a copy elsewhere yet: a target that is taken out takes something along. */
export function healthOf(
  pool: PoolFields,
  { healthyMapVersion = 1 }: ContainerFields,
): z.infer<typeof containerHealthField> {
  return (pool.lossMapVersion ?? 0) > healthyMapVersion ? 'UNCLEAN' : 'HEALTHY';
}

async function usageOn(context: ControlContext, { poolUuid, uuid }: ContainerFields, rank: number) {
  try {
    const reference = { pool: poolUuid, uuid };
    return (await context.engines.engineOf(rank).containerUsage(reference)).targets;
  } catch (error) {
    context.log.warn(`rank ${rank} does not tell the use of container ${uuid}`, {
      error: String(error),
    });
    return undefined;
  }
}
