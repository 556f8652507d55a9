// Gives a snapshot up, in durable steps: `destroying`, engines, record.

import { updateRecord, type ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import { containerRecord } from '../records/container-record.js';
import { inTurn, settleSnapshots } from './pin-snapshots.js';
import { findSnapshot } from './snapshot.js';

/**
 * From the first step on nobody sees it. DER_UNREACH when an engine is away: the rest is done when
 * it is back.
 */
export async function destroySnapshot(
  context: ControlContext,
  poolName: string,
  name: string,
  snapshot: string,
): Promise<void> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  await inTurn(context, fields, async () => {
    const { key, fields: now } = await findContainer(context, pool, fields.uuid);
    const { epoch } = findSnapshot(now, snapshot);
    await updateRecord(context, containerRecord, key, (old) => ({
      ...old,
      snapshots: old.snapshots.map((known) =>
        known.epoch === epoch ? { ...known, state: 'destroying' as const } : known,
      ),
    }));
    await settleSnapshots(context, pool, now.uuid);
  });
}
