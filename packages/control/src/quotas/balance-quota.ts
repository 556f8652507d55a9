// Gives the targets of a container their parts of its quota.
//
//   1. Every engine freezes the container's parts at what is used, and tells that and what waits.
//   2. One transaction records the new parts.
//   3. Every engine gets its own. From the first step on updates that do not fit wait, for a
//      moment.
//
// Invariant: the parts that engines hold never exceed those that are recorded, and these never the
//            quota, unless more was used when it was set. So a kill between any two steps gives
//            nothing away; who waits asks again.
// An engine that is away keeps its recorded parts, and gets them before it opens the pool.

import { DaosError } from '@daos/model';
import { readRecord, updateRecord, type ControlContext } from '../control-context.js';
import type { ContainerUsage, QuotaAmounts } from '../engines/engine-control.js';
import type { ContainerProperties } from '../records/container-properties.js';
import {
  containerKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { divide, equalParts } from './quota-parts.js';

/** Of a container with a quota: what is unlimited is left out. */
export function quotaOf({ quota_bytes, quota_objects }: ContainerProperties): QuotaAmounts {
  return {
    ...(quota_bytes > 0 && { bytes: quota_bytes }),
    ...(quota_objects > 0 && { objects: quota_objects }),
  };
}

export function hasQuota(properties: ContainerProperties): boolean {
  return properties.quota_bytes > 0 || properties.quota_objects > 0;
}

export type RankParts = NonNullable<ContainerFields['quotaParts']>[number];

/** The same for every target. */
export function newParts(pool: PoolFields, properties: ContainerProperties): RankParts[] {
  const counts = pool.ranks.map(({ targets }) => targets.length);
  const all = equalParts(
    quotaOf(properties),
    counts.reduce((sum, count) => sum + count, 0),
  );
  return pool.ranks.map(({ rank, targets }) => ({ rank, parts: all.splice(0, targets.length) }));
}

/** Tells an engine the recorded parts, before it opens the pool or has the container. */
export async function giveRecordedParts(
  context: ControlContext,
  container: ContainerFields,
  rank: number,
): Promise<void> {
  const mine = container.quotaParts?.find((parts) => parts.rank === rank);
  if (!mine) return;
  await context.engines.engineOf(rank).setContainerQuota({
    pool: container.poolUuid,
    uuid: container.uuid,
    whole: quotaOf(container.properties),
    isUsedUp: false,
    parts: mine.parts,
  });
}

/** One after the other on each container; what was wanted meanwhile is in the next one. */
export function balanceQuota(
  context: ControlContext,
  pool: PoolFields,
  uuid: string,
): Promise<void> {
  return context.poolMutex.run(`${pool.uuid}/${uuid}/quota`, () => balance(context, pool, uuid));
}

async function balance(context: ControlContext, pool: PoolFields, uuid: string): Promise<void> {
  const key = containerKey(pool.uuid, uuid);
  const stored = await readRecord(context, containerRecord, key);
  if (!stored || stored.fields.state === 'creating' || stored.fields.state === 'destroying') return;
  const { properties } = stored.fields;
  if (!hasQuota(properties)) return await lift(context, pool, uuid);
  const usages = await freeze(context, pool, uuid);
  const { ranks, isUsedUp } = partsOf(pool, stored.fields, usages);
  await updateRecord(context, containerRecord, key, (fields) => ({ ...fields, quotaParts: ranks }));
  const whole = quotaOf(properties);
  await onThoseThatAnswer(
    ranks
      .filter(({ rank }) => usages.has(rank))
      .map(async ({ rank, parts }) => {
        const quota = { pool: pool.uuid, uuid, whole, isUsedUp, parts };
        await context.engines.engineOf(rank).setContainerQuota(quota);
      }),
  );
}

/** An engine that is away gets the recorded parts when it is back. */
async function onThoseThatAnswer(calls: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'rejected' && !DaosError.is(outcome.reason, 'DER_UNREACH')) {
      throw outcome.reason;
    }
  }
}

/** By rank, of the engines that answer. */
async function freeze(
  context: ControlContext,
  pool: PoolFields,
  uuid: string,
): Promise<Map<number, ContainerUsage['targets']>> {
  const usages = new Map<number, ContainerUsage['targets']>();
  await onThoseThatAnswer(
    pool.ranks.map(async ({ rank }) => {
      const engine = context.engines.engineOf(rank);
      usages.set(rank, (await engine.freezeContainerQuota({ pool: pool.uuid, uuid })).targets);
    }),
  );
  return usages;
}

function partsOf(
  pool: PoolFields,
  container: ContainerFields,
  usages: ReadonlyMap<number, ContainerUsage['targets']>,
): { ranks: RankParts[]; isUsedUp: boolean } {
  const quota = quotaOf(container.properties);
  const recorded = container.quotaParts ?? newParts(pool, container.properties);
  const away = recorded.filter(({ rank }) => !usages.has(rank));
  const here = pool.ranks.filter(({ rank }) => usages.has(rank));
  const targets = here.flatMap(({ rank }) => usages.get(rank) ?? []);
  const kept = (kind: 'bytes' | 'objects') =>
    away.flatMap(({ parts }) => parts).reduce((sum, part) => sum + (part[kind] ?? 0), 0);
  const bytes =
    quota.bytes === undefined
      ? undefined
      : divide(
          quota.bytes - kept('bytes'),
          targets.map((t) => ({ used: t.bytes, wanted: t.wantedBytes })),
        );
  const objects =
    quota.objects === undefined
      ? undefined
      : divide(
          quota.objects - kept('objects'),
          targets.map((t) => ({ used: t.objects, wanted: t.wantedObjects })),
        );
  const all = targets.map((_, index) => ({
    ...(bytes && { bytes: bytes.parts[index] }),
    ...(objects && { objects: objects.parts[index] }),
  }));
  const ranks = here.map(({ rank }) => ({
    rank,
    parts: all.splice(0, usages.get(rank)?.length ?? 0),
  }));
  return {
    ranks: [...ranks, ...away].sort((a, b) => a.rank - b.rank),
    isUsedUp: bytes?.isUsedUp === true || objects?.isUsedUp === true,
  };
}

/** The container has no quota any more. */
async function lift(context: ControlContext, pool: PoolFields, uuid: string): Promise<void> {
  await updateRecord(
    context,
    containerRecord,
    containerKey(pool.uuid, uuid),
    ({ quotaParts, ...fields }) => (quotaParts ? fields : undefined),
  );
  await onThoseThatAnswer(
    pool.ranks.map(async ({ rank, targets }) => {
      const none = { whole: {}, isUsedUp: false, parts: targets.map(() => ({})) };
      await context.engines.engineOf(rank).setContainerQuota({ pool: pool.uuid, uuid, ...none });
    }),
  );
}
