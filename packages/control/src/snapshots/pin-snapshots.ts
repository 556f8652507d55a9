// Brings the engines of a container to pin what its record says.

import { readRecord, updateRecord, type ControlContext } from '../control-context.js';
import {
  containerKey,
  containerRecord,
  type ContainerFields,
  type SnapshotFields,
} from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';

/** One after the other on each container, since each call tells an engine the whole list. */
export function inTurn<T>(
  context: ControlContext,
  { poolUuid, uuid }: Pick<ContainerFields, 'poolUuid' | 'uuid'>,
  action: () => Promise<T>,
): Promise<T> {
  return context.poolMutex.run(`${poolUuid}/${uuid}/snapshots`, action);
}

/** DER_UNREACH when an engine is away; those that are there have the list then. */
export async function pinOnEngines(
  context: ControlContext,
  pool: PoolFields,
  uuid: string,
  snapshots: readonly SnapshotFields[],
): Promise<void> {
  const epochs = snapshots.map(({ epoch }) => epoch);
  const outcomes = await Promise.allSettled(
    pool.ranks.map(async ({ rank }) => {
      const reference = { pool: pool.uuid, uuid };
      await context.engines.engineOf(rank).setContainerSnapshots({ ...reference, epochs });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/**
 * Drops what is not ready: first from the engines, then from the record. Snapshots that are being
 * created were never acknowledged; those that are being destroyed were given up by their owner.
 */
export async function settleSnapshots(
  context: ControlContext,
  pool: PoolFields,
  uuid: string,
): Promise<void> {
  const key = containerKey(pool.uuid, uuid);
  const stored = await readRecord(context, containerRecord, key);
  if (!stored || stored.fields.snapshots.length === 0) return;
  const isReady = ({ state }: SnapshotFields) => state === 'ready';
  await pinOnEngines(context, pool, uuid, stored.fields.snapshots.filter(isReady));
  if (stored.fields.snapshots.every(isReady)) return;
  await updateRecord(context, containerRecord, key, (fields) => ({
    ...fields,
    snapshots: fields.snapshots.filter(isReady),
  }));
}
