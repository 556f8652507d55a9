// Changes those properties of a container that may change while it lives: its quota, how many
// snapshots it may have, and `status`, by which an administrator says that what was lost is mended
// or done without.

import * as z from 'zod';
import { updateRecord, type ControlContext } from '../control-context.js';
import { findPool } from '../pools/find-pool.js';
import { balanceQuota } from '../quotas/balance-quota.js';
import {
  containerPropertiesField,
  type ContainerProperties,
} from '../records/container-properties.js';
import { containerRecord } from '../records/container-record.js';
import { bytesField } from '../records/fields.js';
import type { PoolFields } from '../records/pool-record.js';
import { statusOf, type ContainerStatus } from './describe-container.js';
import { findContainer } from './find-container.js';

type Changeable = 'quota_bytes' | 'quota_objects' | 'max_snapshot';

const fixed = z.never({ error: 'is chosen when a container is created, and stays' }).optional();

/** Refused as what they are, and not as unknown; those that change come after. */
const fixedFields = Object.fromEntries(
  Object.keys(containerPropertiesField.shape).map((name) => [name, fixed]),
) as Record<Exclude<keyof ContainerProperties, Changeable>, typeof fixed>;

export const changePropertiesSchema = z
  .strictObject({
    ...fixedFields,
    quota_bytes: bytesField.optional(),
    quota_objects: bytesField.optional(),
    max_snapshot: containerPropertiesField.shape.max_snapshot.unwrap().optional(),
    status: z.literal('healthy').optional(),
  })
  .refine(
    (changes) => Object.values(changes).some((value) => value !== undefined),
    'give at least one of quota_bytes, quota_objects, max_snapshot and status',
  );
export type ChangePropertiesRequest = z.infer<typeof changePropertiesSchema>;

/**
 * A quota below what is used is no error: nothing more is stored until enough is gone. `onQuota`:
 * the container of that pool may have one from now on.
 */
export async function changeProperties(
  context: ControlContext,
  poolName: string,
  name: string,
  { status, quota_bytes, quota_objects, max_snapshot }: ChangePropertiesRequest,
  onQuota: (pool: PoolFields) => void,
): Promise<ContainerStatus> {
  const pool = (await findPool(context, poolName)).fields;
  const { key, fields } = await findContainer(context, pool, name);
  const changesQuota = quota_bytes !== undefined || quota_objects !== undefined;
  const next = await updateRecord(context, containerRecord, key, (old) => ({
    ...old,
    ...(status && { healthyMapVersion: pool.mapVersion }),
    properties: {
      ...old.properties,
      ...(quota_bytes !== undefined && { quota_bytes }),
      ...(quota_objects !== undefined && { quota_objects }),
      ...(max_snapshot !== undefined && { max_snapshot }),
    },
  }));
  if (changesQuota) {
    onQuota(pool);
    await balanceQuota(context, pool, fields.uuid);
  }
  return statusOf(next);
}
