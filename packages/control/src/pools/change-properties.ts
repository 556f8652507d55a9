// Changes properties of a pool.
//
//   1. One transaction records them. A rank that joins from here on gets them.
//   2. Every running engine of the pool gets them.

import { updateRecord, type ControlContext } from '../control-context.js';
import type { PoolProperties, PoolPropertyChanges } from '../records/pool-properties.js';
import { poolRecord } from '../records/pool-record.js';
import { findPool } from './find-pool.js';

/** DER_UNREACH when an engine could not be told: it learns of it when it is back, or repeat it. */
export async function changePoolProperties(
  context: ControlContext,
  name: string,
  { reclaim, space_rb }: PoolPropertyChanges,
): Promise<PoolProperties> {
  const { key, fields: pool } = await findPool(context, name);
  return await context.poolMutex.run(pool.uuid, async () => {
    const { properties } = await updateRecord(context, poolRecord, key, (old) => ({
      ...old,
      properties: {
        ...old.properties,
        ...(reclaim !== undefined && { reclaim }),
        ...(space_rb !== undefined && { space_rb }),
      },
    }));
    const outcomes = await Promise.allSettled(
      pool.ranks.map(async ({ rank }) => {
        await context.engines.engineOf(rank).setPoolProperties({ uuid: pool.uuid, properties });
      }),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    return properties;
  });
}
