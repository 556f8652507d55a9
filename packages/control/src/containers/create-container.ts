// Creates a container in durable steps, as a pool is created: record, engines, ready. An unfinished
// one is undone.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import { changed } from '../attributes.js';
import { readRecord, unchanged, type ControlContext } from '../control-context.js';
import { findPool } from '../pools/find-pool.js';
import { giveRecordedParts, hasQuota, newParts } from '../quotas/balance-quota.js';
import {
  containerKey,
  containerLabelKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import { newContainerPropertiesSchema } from '../records/container-properties.js';
import { attributesField, labelField, uuidField } from '../records/fields.js';
import { findSnapshot } from '../snapshots/snapshot.js';
import { ownedByRoot, uuidRecord, type PoolFields } from '../records/pool-record.js';
import type { Stored } from '../records/record.js';
import { aclField, checkAcl, CONTAINER_ACL_DEFAULT, principalField } from '../security/acl.js';
import { findContainer } from './find-container.js';
import { removeContainer } from './destroy-container.js';

export const createContainerSchema = z.strictObject({
  label: labelField,
  uuid: uuidField.optional(),
  properties: newContainerPropertiesSchema.prefault({}),
  owner: principalField.optional(),
  ownerGroup: principalField.optional(),
  acl: aclField.optional(),
  attributes: attributesField.optional(),
  origin: z
    .strictObject({ pool: z.string(), container: z.string(), snapshot: z.string() })
    .optional()
    .meta({ description: 'Of a clone: the snapshot that it is made from' }),
});
export type CreateContainerRequest = z.infer<typeof createContainerSchema>;

/**
 * Returns the container of an earlier request with the same key instead of creating a second one.
 */
export async function createContainer(
  context: ControlContext,
  poolName: string,
  request: CreateContainerRequest,
  requestKey?: string,
): Promise<ContainerFields> {
  const pool = await findPool(context, poolName);
  return await context.poolMutex.run(`${pool.fields.uuid}/${request.label}`, async () => {
    const known = await findByLabel(context, pool.fields, request.label);
    const isRepeated = requestKey !== undefined && known?.requestKey === requestKey;
    if (known?.state === 'ready' && isRepeated) return known;
    if (known && isRepeated) {
      throw new DaosError('DER_INPROGRESS', `container '${known.label}' is ${known.state}`);
    }
    if (known) {
      throw new DaosError(
        'DER_EXIST',
        // No more than that: who asks may have no right to see it.
        `there is a container '${known.label}' in pool '${pool.fields.label}' already`,
        { action: 'choose another label, or use the container that is there' },
      );
    }
    const container = await record(context, pool, request, requestKey);
    return await carryOut(context, pool.fields, container);
  });
}

async function findByLabel(
  context: ControlContext,
  pool: PoolFields,
  label: string,
): Promise<ContainerFields | undefined> {
  const owner = await readRecord(context, uuidRecord, containerLabelKey(pool.uuid, label));
  if (!owner) return undefined;
  const key = containerKey(pool.uuid, owner.fields.uuid);
  return (await readRecord(context, containerRecord, key))?.fields;
}

async function record(
  context: ControlContext,
  pool: Stored<PoolFields>,
  request: CreateContainerRequest,
  requestKey: string | undefined,
): Promise<ContainerFields> {
  const poolUuid = pool.fields.uuid;
  const container: ContainerFields = {
    uuid: request.uuid ?? context.newUuid(),
    poolUuid,
    label: request.label,
    state: 'creating',
    owner: request.owner ?? ownedByRoot.owner,
    ownerGroup: request.ownerGroup ?? ownedByRoot.ownerGroup,
    acl: checkAcl('container', request.acl ?? CONTAINER_ACL_DEFAULT),
    properties: request.properties,
    attributes: changed({}, { set: request.attributes ?? {}, delete: [] }),
    generation: 0,
    ...(request.origin && { origin: await originOf(context, request.origin) }),
    snapshots: [],
    healthyMapVersion: pool.fields.mapVersion,
    ...(hasQuota(request.properties) && { quotaParts: newParts(pool.fields, request.properties) }),
    createdMs: context.clock.wallMs(),
    ...(requestKey !== undefined && { requestKey }),
  };
  const key = containerKey(poolUuid, container.uuid);
  const labelKey = containerLabelKey(poolUuid, container.label);
  const { succeeded } = await context.store.txn(
    // The pool's record is compared: a pool on its way out takes no more containers.
    [unchanged(pool), { key: labelKey, modRevision: 0 }, { key, modRevision: 0 }],
    [
      { put: labelKey, value: uuidRecord.encode({ uuid: container.uuid }) },
      { put: key, value: containerRecord.encode(container) },
    ],
  );
  if (succeeded) return container;
  throw new DaosError(
    'DER_AGAIN',
    `pool '${pool.fields.label}' changed, or container '${request.label}' was created, meanwhile`,
  );
}

async function originOf(
  context: ControlContext,
  { pool, container, snapshot }: NonNullable<CreateContainerRequest['origin']>,
): Promise<ContainerFields['origin']> {
  const found = await findContainer(context, (await findPool(context, pool)).fields, container);
  const { uuid: containerUuid, poolUuid, generation } = found.fields;
  return { poolUuid, containerUuid, generation, epoch: findSnapshot(found.fields, snapshot).epoch };
}

async function carryOut(
  context: ControlContext,
  pool: PoolFields,
  container: ContainerFields,
): Promise<ContainerFields> {
  try {
    const outcomes = await Promise.allSettled(
      pool.ranks.map(async ({ rank }) => {
        const reference = { pool: pool.uuid, uuid: container.uuid };
        await giveRecordedParts(context, container, rank);
        await context.engines.engineOf(rank).createContainer(reference);
      }),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    return await makeReady(context, container);
  } catch (error) {
    await removeContainer(context, pool, container).catch((cause: unknown) => {
      context.log.warn(`container '${container.label}' is left to be cleared away`, {
        error: String(cause),
      });
    });
    throw error;
  }
}

async function makeReady(
  context: ControlContext,
  container: ContainerFields,
): Promise<ContainerFields> {
  const key = containerKey(container.poolUuid, container.uuid);
  const stored = await readRecord(context, containerRecord, key);
  const ready: ContainerFields = { ...container, state: 'ready' };
  const { succeeded } = stored
    ? await context.store.txn(
        [unchanged(stored)],
        [{ put: key, value: containerRecord.encode(ready) }],
      )
    : { succeeded: false };
  if (succeeded) return ready;
  throw new DaosError('DER_CANCELED', `container '${container.label}' went with its pool`);
}
