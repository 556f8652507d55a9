// Gives a snapshot up, in durable steps: `destroying`, engines, record.

import { updateRecord, type ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import { containerRecord, type ContainerFields } from '../records/container-record.js';
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
  request?: RequestIdentity,
): Promise<void> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  await inTurn(context, fields, async () => {
    const { key, fields: now } = await findContainer(context, pool, fields.uuid);
    const { epoch } = findSnapshot(now, snapshot);
    const destroying = (old: ContainerFields) => ({
      ...old,
      snapshots: old.snapshots.map((known) =>
        known.epoch === epoch ? { ...known, state: 'destroying' as const } : known,
      ),
    });
    await updateRecord(context, containerRecord, key, destroying, () =>
      answerAhead(context, request, {}),
    );
    await settleSnapshots(context, pool, now.uuid);
  });
}
