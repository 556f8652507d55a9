// Gives a pool another label: one transaction takes the new one and frees the old one.

import { DaosError } from '@daos/model';
import { unchanged, type ControlContext } from '../control-context.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import { poolLabelKey, poolRecord, uuidRecord, type PoolFields } from '../records/pool-record.js';
import { findPool } from './find-pool.js';

/** DER_EXIST when another pool has the label. */
export async function relabelPool(
  context: ControlContext,
  name: string,
  label: string,
  request?: RequestIdentity,
): Promise<PoolFields> {
  const stored = await findPool(context, name);
  const { uuid, label: old } = stored.fields;
  if (old === label) return stored.fields;
  const next: PoolFields = { ...stored.fields, label };
  const { succeeded } = await context.store.txn(
    [unchanged(stored), { key: poolLabelKey(label), modRevision: 0 }],
    [
      { delete: poolLabelKey(old) },
      { put: poolLabelKey(label), value: uuidRecord.encode({ uuid }) },
      { put: stored.key, value: poolRecord.encode(next) },
      ...answerAhead(context, request, { uuid, label }),
    ],
  );
  if (succeeded) return next;
  if (await context.store.get(poolLabelKey(label))) {
    const message = `there is a pool '${label}' already`;
    throw new DaosError('DER_EXIST', message, { action: 'choose another label' });
  }
  throw new DaosError('DER_AGAIN', `pool '${old}' changed meanwhile`);
}
