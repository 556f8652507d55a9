// Creates a pool in durable steps.
//
//   1. One transaction takes the label, reserves the space and records the plan: `creating`.
//   2. Every engine of the plan creates its share.
//   3. One transaction makes the pool `ready`. From here on it exists; before, it does not.
//
// A failure in step 2, or a stop of the service before step 3, is undone by destroying what the
// plan names (heal-pools.ts): the record is written before anything else happens, so nothing can
// exist that it does not name.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, unchanged, type ControlContext } from '../control-context.js';
import type { PoolProperties } from '../records/pool-properties.js';
import {
  POOL_PREFIX,
  RESERVATION_KEY,
  ownedByRoot,
  poolKey,
  poolLabelKey,
  poolRecord,
  uuidRecord,
  type PoolFields,
} from '../records/pool-record.js';
import { RANK_PREFIX, rankRecord } from '../records/rank-record.js';
import type { SystemProperties } from '../records/system-properties.js';
import { checkAcl, POOL_ACL_DEFAULT } from '../security/acl.js';
import { newSecret, poolSecretKey, poolSecretRecord } from '../security/capability.js';
import { getSystemProperties } from '../system-properties.js';
import { removePool } from './destroy-pool.js';
import { keyOfPool } from './evict-pool.js';
import { planPool, type CreatePoolRequest } from './plan.js';

/**
 * Returns the pool of an earlier request with the same key instead of creating a second one. What
 * an attempt left that was not acknowledged is cleared away first.
 */
export async function createPool(
  context: ControlContext,
  request: CreatePoolRequest,
  requestKey?: string,
): Promise<PoolFields> {
  const known = requestKey && (await findByRequestKey(context, request.label, requestKey));
  if (known) return known;
  const pool = await recordPlan(context, request, requestKey);
  return await context.poolMutex.run(pool.uuid, () => carryOut(context, pool));
}

async function findByRequestKey(
  context: ControlContext,
  label: string,
  requestKey: string,
): Promise<PoolFields | undefined> {
  const owner = await readRecord(context, uuidRecord, poolLabelKey(label));
  const pool = owner && (await readRecord(context, poolRecord, poolKey(owner.fields.uuid)));
  if (!pool || pool.fields.requestKey !== requestKey) return undefined;
  if (pool.fields.state === 'ready') return pool.fields;
  // Behind whoever is at work on it.
  return await context.poolMutex.run(pool.fields.uuid, async () => {
    const now = await readRecord(context, poolRecord, pool.key);
    if (now?.fields.state === 'ready') return now.fields;
    await removePool(context, pool.fields.uuid);
    return undefined;
  });
}

/** Step 1; again from the start when another pool was planned meanwhile. */
async function recordPlan(
  context: ControlContext,
  request: CreatePoolRequest,
  requestKey: string | undefined,
): Promise<PoolFields> {
  for (;;) {
    const reservation = await context.store.get(RESERVATION_KEY);
    const ranks = (await readRecords(context, rankRecord, RANK_PREFIX)).map((r) => r.fields);
    const pools = (await readRecords(context, poolRecord, POOL_PREFIX)).map((p) => p.fields);
    checkNew(request, pools);
    const system = await getSystemProperties(context);
    const plan = planPool(request, ranks, pools, system);
    const pool = newPool(context, withProperties(request, system), plan, requestKey);
    const { succeeded } = await context.store.txn(
      [
        { key: RESERVATION_KEY, modRevision: reservation?.modRevision ?? 0 },
        { key: poolLabelKey(pool.label), modRevision: 0 },
        { key: poolKey(pool.uuid), modRevision: 0 },
      ],
      [
        { put: RESERVATION_KEY, value: pool.uuid },
        { put: poolLabelKey(pool.label), value: uuidRecord.encode({ uuid: pool.uuid }) },
        { put: poolKey(pool.uuid), value: poolRecord.encode(pool) },
        { put: poolSecretKey(pool.uuid), value: poolSecretRecord.encode(newSecret(1)) },
      ],
    );
    if (succeeded || (await isRecorded(context, pool, request))) return pool;
  }
}

/** A transaction whose answer was lost, and which was repeated, fails at its own success. */
async function isRecorded(
  context: ControlContext,
  { uuid }: PoolFields,
  request: CreatePoolRequest,
): Promise<boolean> {
  return request.uuid === undefined && (await context.store.get(poolKey(uuid))) !== undefined;
}

function checkNew(request: CreatePoolRequest, pools: readonly PoolFields[]): void {
  const same = pools.find((pool) => pool.label === request.label || pool.uuid === request.uuid);
  if (!same) return;
  throw new DaosError(
    'DER_EXIST',
    `there is a pool '${same.label}' (${same.uuid}) already, it is ${same.state}`,
    { action: 'choose another label, or use the pool that is there' },
  );
}

/** What the request leaves open is as the system has it. */
function withProperties(
  request: CreatePoolRequest,
  { pool_reclaim, pool_space_rb }: SystemProperties,
): CreatePoolRequest & { properties: PoolProperties } {
  const { reclaim = pool_reclaim, space_rb = pool_space_rb } = request.properties ?? {};
  return { ...request, properties: { reclaim, space_rb } };
}

function newPool(
  context: ControlContext,
  request: CreatePoolRequest & { properties: PoolProperties },
  plan: ReturnType<typeof planPool>,
  requestKey: string | undefined,
): PoolFields {
  return {
    uuid: request.uuid ?? context.newUuid(),
    label: request.label,
    state: 'creating',
    owner: request.owner ?? ownedByRoot.owner,
    ownerGroup: request.ownerGroup ?? ownedByRoot.ownerGroup,
    acl: checkAcl('pool', request.acl ?? POOL_ACL_DEFAULT),
    mapVersion: 1,
    arenaBytes: plan.arenaBytes,
    dataBytes: plan.dataBytes,
    ranks: plan.ranks.map(({ rank, targetCount }) => ({
      rank,
      targets: Array.from({ length: targetCount }, () => ({ state: 'up' as const })),
    })),
    createdMs: context.clock.wallMs(),
    attributes: {},
    properties: request.properties,
    ...(requestKey !== undefined && { requestKey }),
  };
}

async function carryOut(context: ControlContext, pool: PoolFields): Promise<PoolFields> {
  try {
    await createShares(context, pool);
    return await makeReady(context, pool);
  } catch (error) {
    context.log.warn(`pool '${pool.label}' could not be created`, { error: String(error) });
    // What cannot be undone now, because an engine is away, is undone when it is back.
    await removePool(context, pool.uuid).catch((cause: unknown) => {
      context.log.warn(`pool '${pool.label}' is left to be cleared away`, { error: String(cause) });
    });
    throw error;
  }
}

/** Step 2; waits for every engine, so that an undo afterwards meets no creation still under way. */
async function createShares(context: ControlContext, pool: PoolFields): Promise<void> {
  const { uuid, arenaBytes, dataBytes, properties } = pool;
  const key = await keyOfPool(context, uuid);
  const parameters = { uuid, arenaBytes, dataBytes, properties, ...key };
  const outcomes = await Promise.allSettled(
    pool.ranks.map(async ({ rank }) => {
      await context.engines.engineOf(rank).createPool(parameters);
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Step 3. */
async function makeReady(context: ControlContext, pool: PoolFields): Promise<PoolFields> {
  const stored = await readRecord(context, poolRecord, poolKey(pool.uuid));
  if (stored?.fields.state !== 'creating') {
    throw new DaosError('DER_CANCELED', `pool '${pool.label}' was destroyed while it was created`);
  }
  const ready: PoolFields = { ...stored.fields, state: 'ready' };
  const { succeeded } = await context.store.txn(
    [unchanged(stored)],
    [{ put: stored.key, value: poolRecord.encode(ready) }],
  );
  if (!succeeded) return await makeReady(context, pool);
  return ready;
}
