// Destroys a container in durable steps: `destroying`, engines, records.

import { readRecord, unchanged, type ControlContext } from '../control-context.js';
import { findPool } from '../pools/find-pool.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import {
  containerKey,
  containerLabelKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { findContainerInAnyState } from './find-container.js';

export async function destroyContainer(
  context: ControlContext,
  poolName: string,
  name: string,
  request?: RequestIdentity,
): Promise<void> {
  const pool = await findPool(context, poolName);
  const container = await findContainerInAnyState(context, pool.fields, name);
  await context.poolMutex.run(`${pool.fields.uuid}/${container.fields.label}`, () =>
    removeContainer(context, pool.fields, container.fields, request),
  );
}

/** All steps, from whichever one an earlier attempt reached. A container that is gone is fine. */
export async function removeContainer(
  context: ControlContext,
  pool: PoolFields,
  { uuid, label }: ContainerFields,
  request?: RequestIdentity,
): Promise<void> {
  const key = containerKey(pool.uuid, uuid);
  for (;;) {
    const stored = await readRecord(context, containerRecord, key);
    if (!stored) return;
    if (stored.fields.state === 'destroying') break;
    const value = containerRecord.encode({ ...stored.fields, state: 'destroying' });
    const ahead = answerAhead(context, request, {}, { key, state: 'destroying' });
    const changes = [{ put: key, value }, ...ahead];
    if ((await context.store.txn([unchanged(stored)], changes)).succeeded) break;
  }
  const outcomes = await Promise.allSettled(
    pool.ranks.map(async ({ rank }) => {
      await context.engines.engineOf(rank).destroyContainer({ pool: pool.uuid, uuid });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  await context.store.txn([], [{ delete: key }, { delete: containerLabelKey(pool.uuid, label) }]);
}
