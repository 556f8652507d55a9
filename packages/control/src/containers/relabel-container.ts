// Gives a container another label: one transaction takes the new one and frees the old one.

import { DaosError } from '@daos/model';
import { unchanged, type ControlContext } from '../control-context.js';
import type { Change } from '../metadata/metadata-store.js';
import { findPool } from '../pools/find-pool.js';
import {
  containerLabelKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import { uuidRecord } from '../records/pool-record.js';
import { findContainer } from './find-container.js';

/** DER_EXIST when another container of the pool has the label. `answerOf` is written besides. */
export async function relabelContainer(
  context: ControlContext,
  poolName: string,
  name: string,
  label: string,
  answerOf: (next: ContainerFields) => readonly Change[] = () => [],
): Promise<ContainerFields> {
  const pool = (await findPool(context, poolName)).fields;
  const stored = await findContainer(context, pool, name);
  const { uuid, label: old } = stored.fields;
  if (old === label) return stored.fields;
  const labelKey = containerLabelKey(pool.uuid, label);
  const next: ContainerFields = { ...stored.fields, label };
  const { succeeded } = await context.store.txn(
    [unchanged(stored), { key: labelKey, modRevision: 0 }],
    [
      { delete: containerLabelKey(pool.uuid, old) },
      { put: labelKey, value: uuidRecord.encode({ uuid }) },
      { put: stored.key, value: containerRecord.encode(next) },
      ...answerOf(next),
    ],
  );
  if (succeeded) return next;
  if (await context.store.get(labelKey)) {
    const message = `there is a container '${label}' in '${pool.label}' already`;
    throw new DaosError('DER_EXIST', message, { action: 'choose another label' });
  }
  throw new DaosError('DER_AGAIN', `container '${old}' changed meanwhile`);
}
