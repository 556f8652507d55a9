// Revokes handles: of a pool by a new key, of a container or a machine by an eviction that goes
//                  with
// the key. From then on engines let in nobody who shows a capability from before.
//
//   1. One transaction records the new key. A rank that joins from here on gets it.
//   2. Every running engine of the pool gets it, and drops what it revokes.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import { findContainer } from '../containers/find-container.js';
import { readRecord, readRecords, type ControlContext } from '../control-context.js';
import type { PoolKeyMessage } from '../engines/engine-control.js';
import { labelField, uuidField } from '../records/fields.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import {
  newSecret,
  poolSecretKey,
  poolSecretRecord,
  toEngineKey,
  withEviction,
  type Evicted,
  type PoolSecret,
} from '../security/capability.js';
import { findPool } from './find-pool.js';

export const machineEvictionSchema = z.object({
  pool: uuidField,
  label: labelField,
  error: z.string().optional().meta({ description: 'Why not all engines could be told' }),
});
/** What came of the eviction of a machine in one pool. */
export type MachineEviction = z.infer<typeof machineEvictionSchema>;

/** DER_UNREACH when an engine could not be told: repeating tells it again. */
export async function evictPool(context: ControlContext, name: string): Promise<void> {
  const { fields } = await findPool(context, name);
  await changeKey(context, fields, (old) => newSecret((old?.keyVersion ?? 0) + 1));
}

/** As evictPool; the handles of other containers of the pool stay. */
export async function evictContainer(
  context: ControlContext,
  poolName: string,
  name: string,
): Promise<void> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  await evict(context, pool, { container: fields.uuid });
}

/** Every pool is tried. */
export async function evictMachine(
  context: ControlContext,
  machine: string,
): Promise<MachineEviction[]> {
  const pools = await readRecords(context, poolRecord, POOL_PREFIX);
  const ready = pools.map(({ fields }) => fields).filter(({ state }) => state === 'ready');
  return await Promise.all(
    ready.map(async (pool) => {
      const result = { pool: pool.uuid, label: pool.label };
      try {
        await evict(context, pool, { machine });
        return result;
      } catch (error) {
        return { ...result, error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

async function evict(context: ControlContext, pool: PoolFields, evicted: Evicted): Promise<void> {
  const { clock, capabilityLifeMs } = context;
  // Where there is no key everyone is let in, and nobody can be told from others: as evictPool.
  await changeKey(context, pool, (old) =>
    old ? withEviction(old, evicted, clock.wallMs(), capabilityLifeMs) : newSecret(1),
  );
}

async function changeKey(
  context: ControlContext,
  { uuid, ranks }: PoolFields,
  change: (old: PoolSecret | undefined) => PoolSecret,
): Promise<void> {
  await context.poolMutex.run(uuid, async () => {
    const key = toEngineKey(await recordKey(context, uuid, change));
    const outcomes = await Promise.allSettled(
      ranks.map(({ rank }) => context.engines.engineOf(rank).setPoolKey({ uuid, key })),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  });
}

async function recordKey(
  context: ControlContext,
  uuid: string,
  change: (old: PoolSecret | undefined) => PoolSecret,
): Promise<PoolSecret> {
  const key = poolSecretKey(uuid);
  const old = await readRecord(context, poolSecretRecord, key);
  const secret = change(old?.fields);
  const { succeeded } = await context.store.txn(
    [{ key, modRevision: old?.modRevision ?? 0 }],
    [{ put: key, value: poolSecretRecord.encode(secret) }],
  );
  if (succeeded) return secret;
  throw new DaosError('DER_AGAIN', 'the pool got another key meanwhile');
}

/** What an engine is told before it opens a pool; undefined for one that lets everyone in. */
export async function keyOfPool(
  context: ControlContext,
  uuid: string,
): Promise<{ key?: PoolKeyMessage }> {
  const secret = await readRecord(context, poolSecretRecord, poolSecretKey(uuid));
  return secret ? { key: toEngineKey(secret.fields) } : {};
}
