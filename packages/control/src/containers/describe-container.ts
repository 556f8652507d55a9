// Containers as callers see them.

import type { ContainerDescription } from '@daos/model';
import * as z from 'zod';
import { readRecords, type ControlContext } from '../control-context.js';
import { findPool } from '../pools/find-pool.js';
import { containerPropertiesField } from '../records/container-properties.js';
import {
  containerPrefix,
  containerRecord,
  originField,
  type ContainerFields,
} from '../records/container-record.js';
import { labelField, uuidField } from '../records/fields.js';
import { findContainer } from './find-container.js';

export const containerDescriptionSchema = z.object({
  uuid: uuidField,
  label: labelField,
  poolUuid: uuidField,
  properties: containerPropertiesField,
  createdMs: z.int(),
  generation: z.int().meta({ description: 'How many times it was rolled back' }),
  origin: originField.optional().meta({ description: 'Of a clone: what it was made from' }),
  snapshotCount: z.int(),
}) satisfies z.ZodType<ContainerDescription>;

export type ContainerStatus = z.infer<typeof containerDescriptionSchema>;

export async function describeContainer(
  context: ControlContext,
  poolName: string,
  name: string,
): Promise<ContainerStatus> {
  const pool = await findPool(context, poolName);
  return statusOf((await findContainer(context, pool.fields, name)).fields);
}

/** Those that `isSeen` lets through, in order of label: one read of the records, however many. */
export async function listContainers(
  context: ControlContext,
  poolName: string,
  isSeen: (container: ContainerFields) => boolean = () => true,
): Promise<ContainerStatus[]> {
  const pool = await findPool(context, poolName);
  const found = await readRecords(context, containerRecord, containerPrefix(pool.fields.uuid));
  return found
    .filter(({ fields }) => fields.state === 'ready' && isSeen(fields))
    .map(({ fields }) => statusOf(fields))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

export async function countContainers(context: ControlContext, poolUuid: string): Promise<number> {
  return (await context.store.range({ prefix: containerPrefix(poolUuid) })).entries.length;
}

export function statusOf(container: ContainerFields): ContainerStatus {
  const { uuid, label, poolUuid, properties, createdMs, generation, origin } = container;
  const snapshotCount = container.snapshots.filter(({ state }) => state === 'ready').length;
  return {
    ...{ uuid, label, poolUuid, properties, createdMs, generation, snapshotCount },
    ...(origin && { origin }),
  };
}
