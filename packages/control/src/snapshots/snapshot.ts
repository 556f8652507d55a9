// Snapshots of a container: what callers see of them, and how a name is found.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import type { ContainerFields, SnapshotFields } from '../records/container-record.js';
import { epochField, labelField } from '../records/fields.js';

export const snapshotSchema = z.object({
  epoch: epochField,
  name: labelField.optional(),
  createdMs: z.int(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const createSnapshotSchema = z.strictObject({ name: labelField.optional() });
export type CreateSnapshotRequest = z.infer<typeof createSnapshotSchema>;

export const toSnapshot = ({ epoch, name, createdMs }: SnapshotFields): Snapshot => ({
  epoch,
  createdMs,
  ...(name !== undefined && { name }),
});

/** By name or epoch (decimal, or hexadecimal after 0x); a name that is a number wins. */
export function findSnapshot({ label, snapshots }: ContainerFields, name: string): SnapshotFields {
  const ready = snapshots.filter(({ state }) => state === 'ready');
  const epoch = epochOfText(name);
  const found =
    ready.find((snapshot) => snapshot.name === name) ??
    ready.find((snapshot) => snapshot.epoch === epoch);
  if (found) return found;
  throw new DaosError('DER_NONEXIST', `container '${label}' has no snapshot '${name}'`);
}

function epochOfText(text: string): string | undefined {
  return /^(\d{1,20}|0x[0-9a-f]{1,16})$/i.test(text) ? String(BigInt(text)) : undefined;
}

/** In order of epoch. */
export async function listSnapshots(
  context: ControlContext,
  poolName: string,
  name: string,
): Promise<Snapshot[]> {
  const pool = await findPool(context, poolName);
  const { fields } = await findContainer(context, pool.fields, name);
  return fields.snapshots.filter(({ state }) => state === 'ready').map(toSnapshot);
}

export async function getSnapshot(
  context: ControlContext,
  poolName: string,
  name: string,
  snapshot: string,
): Promise<Snapshot> {
  const pool = await findPool(context, poolName);
  const { fields } = await findContainer(context, pool.fields, name);
  return toSnapshot(findSnapshot(fields, snapshot));
}
