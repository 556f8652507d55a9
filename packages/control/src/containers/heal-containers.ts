// Finishes what was interrupted on the containers of a pool: creations and destructions, none of
// which was ever acknowledged; rollbacks; and snapshots.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, type ControlContext } from '../control-context.js';
import {
  containerPrefix,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import { balanceQuota, hasQuota } from '../quotas/balance-quota.js';
import type { PoolFields } from '../records/pool-record.js';
import { inTurn, settleSnapshots } from '../snapshots/pin-snapshots.js';
import { finishRollback } from '../snapshots/rollback-container.js';
import { removeContainer } from './destroy-container.js';

/**
 * Leaves alone what this process is at work on: that runs under the mutex, and is ready or gone
 * afterwards. What needs an engine that is away waits for it.
 */
export async function healContainers(context: ControlContext, pool: PoolFields): Promise<void> {
  for (const { key, fields } of await readRecords(
    context,
    containerRecord,
    containerPrefix(pool.uuid),
  )) {
    const isWithQuota = hasQuota(fields.properties);
    if (fields.state === 'ready' && fields.snapshots.length === 0 && !isWithQuota) continue;
    try {
      await healContainer(context, pool, key, fields);
      if (isWithQuota) await balanceQuota(context, pool, fields.uuid);
    } catch (error) {
      // Away, or started but without its pools yet: the end of its joining heals again.
      const isLater = DaosError.is(error, 'DER_UNREACH') || DaosError.is(error, 'DER_AGAIN');
      if (!isLater) throw error;
    }
  }
}

async function healContainer(
  context: ControlContext,
  pool: PoolFields,
  key: string,
  container: ContainerFields,
): Promise<void> {
  await inTurn(context, container, async () => {
    const now = (await readRecord(context, containerRecord, key))?.fields;
    if (now?.state === 'rollingBack' && now.rollbackEpoch !== undefined) {
      await finishRollback(context, pool, now.uuid, now.rollbackEpoch);
    }
    if (now?.state === 'ready' || now?.state === 'rollingBack') {
      await settleSnapshots(context, pool, now.uuid);
    }
  });
  if (container.state === 'ready' || container.state === 'rollingBack') return;
  await context.poolMutex.run(`${pool.uuid}/${container.label}`, async () => {
    const now = (await readRecord(context, containerRecord, key))?.fields;
    if (!now || now.state === 'ready') return;
    await removeContainer(context, pool, now);
  });
}
