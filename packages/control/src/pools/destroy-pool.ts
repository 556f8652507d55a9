// Destroys a pool in durable steps.
//
//   1. One transaction makes it `destroying`: from here on nobody can use it, and it will go.
//   2. Every engine of the pool destroys its share.
//   3. One transaction removes the records of its containers, its label and itself, and frees its
//   space.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, unchanged, type ControlContext } from '../control-context.js';
import { METADATA_TRANSACTION_COUNT_MAX } from '../metadata/limits.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import { containerPrefix } from '../records/container-record.js';
import {
  RESERVATION_KEY,
  poolKey,
  poolLabelKey,
  poolRecord,
  type PoolFields,
} from '../records/pool-record.js';
import { poolSecretKey } from '../security/capability.js';
import { findPoolInAnyState } from './find-pool.js';

export interface DestroyPoolOptions {
  /** Destroys the containers as well; otherwise a pool that has some is refused with DER_BUSY. */
  readonly recursive?: boolean;
  /** Whose repetition is told that the pool is destroyed. */
  readonly request?: RequestIdentity | undefined;
}

export async function destroyPool(
  context: ControlContext,
  name: string,
  options: DestroyPoolOptions = {},
): Promise<void> {
  const { fields } = await findPoolInAnyState(context, name);
  await context.poolMutex.run(fields.uuid, async () => {
    if (!options.recursive) await checkEmpty(context, fields);
    await removePool(context, fields.uuid, options.request);
  });
}

/** All steps, from whichever one an earlier attempt reached. A pool that is gone is fine. */
export async function removePool(
  context: ControlContext,
  uuid: string,
  request?: RequestIdentity,
): Promise<void> {
  const pool = await markDestroying(context, uuid, request);
  if (!pool) return;
  const outcomes = await Promise.allSettled(
    pool.ranks.map(async ({ rank }) => {
      await context.engines.engineOf(rank).destroyPool({ uuid });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  await removeContainers(context, uuid);
  await context.store.txn(
    [],
    [
      { delete: poolKey(uuid) },
      { delete: poolLabelKey(pool.label) },
      { delete: poolSecretKey(uuid) },
      { put: RESERVATION_KEY, value: uuid },
    ],
  );
}

async function checkEmpty(context: ControlContext, pool: PoolFields): Promise<void> {
  const { entries } = await context.store.range({ prefix: containerPrefix(pool.uuid), limit: 1 });
  if (entries.length > 0) {
    throw new DaosError(
      'DER_BUSY',
      `pool '${pool.label}' has containers`,
      { action: 'destroy them first, or destroy the pool with --recursive' },
    );
  }
}

async function markDestroying(
  context: ControlContext,
  uuid: string,
  request: RequestIdentity | undefined,
): Promise<PoolFields | undefined> {
  for (;;) {
    const stored = await readRecord(context, poolRecord, poolKey(uuid));
    if (!stored || stored.fields.state === 'destroying') return stored?.fields;
    const destroying: PoolFields = { ...stored.fields, state: 'destroying' };
    const { succeeded } = await context.store.txn(
      [unchanged(stored)],
      [
        { put: stored.key, value: poolRecord.encode(destroying) },
        ...answerAhead(context, request, {}, { key: stored.key, state: 'destroying' }),
      ],
    );
    if (succeeded) return destroying;
  }
}

/**
 * In several transactions, since a pool may have more containers than one can hold; the pool's
 * record goes last.
 */
async function removeContainers(context: ControlContext, uuid: string): Promise<void> {
  for (const prefix of [containerPrefix(uuid), `/container-labels/${uuid}/`]) {
    for (;;) {
      // Leaves room for conditions that the store adds.
      const limit = METADATA_TRANSACTION_COUNT_MAX / 2;
      const { entries } = await context.store.range({ prefix, limit });
      if (entries.length === 0) break;
      await context.store.txn(
        [],
        entries.map(({ key }) => ({ delete: key })),
      );
    }
  }
}

/** Pools whose creation or destruction was interrupted. */
export async function findUnfinishedPools(context: ControlContext): Promise<PoolFields[]> {
  const pools = await readRecords(context, poolRecord, '/pools/');
  return pools.map((pool) => pool.fields).filter((pool) => pool.state !== 'ready');
}
