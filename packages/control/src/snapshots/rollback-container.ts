// Takes a container back to a snapshot: what was written after it is gone, for good.
//
//   1. One transaction makes the container `rollingBack`: from here on nobody opens it.
//   2. Every engine closes it for whoever has it open, and drops what is later.
//   3. One transaction makes it `ready` again. After a kill it goes on from step 2: a container
//      that is half way back can only go the rest of the way.

import { DaosError } from '@daos/model';
import { updateRecord, type ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import {
  containerKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { inTurn } from './pin-snapshots.js';
import { findSnapshot, toSnapshot, type Snapshot } from './snapshot.js';

/** DER_BUSY when there are later snapshots, whose data would go with it. */
export async function rollbackContainer(
  context: ControlContext,
  poolName: string,
  name: string,
  snapshot: string,
  request?: RequestIdentity,
): Promise<Snapshot> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  return await inTurn(context, fields, async () => {
    const { key, fields: now } = await findContainer(context, pool, fields.uuid);
    const found = findSnapshot(now, snapshot);
    const { epoch } = found;
    const rollingBack = (old: ContainerFields) => {
      checkLatest(old, epoch);
      return { ...old, state: 'rollingBack' as const, rollbackEpoch: epoch };
    };
    // Done again it would drop what was written since.
    await updateRecord(context, containerRecord, key, rollingBack, () =>
      answerAhead(context, request, toSnapshot(found), { key, state: 'rollingBack' }),
    );
    await finishRollback(context, pool, now.uuid, epoch);
    return toSnapshot(found);
  });
}

function checkLatest({ label, state, snapshots }: ContainerFields, epoch: string): void {
  if (state !== 'ready') {
    throw new DaosError('DER_INPROGRESS', `container '${label}' is ${state}`);
  }
  const later = snapshots.find((known) => BigInt(known.epoch) > BigInt(epoch));
  if (!later) return;
  throw new DaosError(
    'DER_BUSY',
    `container '${label}' has a later snapshot, ${later.name ?? later.epoch}, which would go ` +
      `with its data`,
    { action: `destroy the snapshot first: 'daos container destroy-snap'` },
  );
}

/** Steps 2 and 3. DER_UNREACH when an engine is away: the rest is done when it is back. */
export async function finishRollback(
  context: ControlContext,
  pool: PoolFields,
  uuid: string,
  epoch: string,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    pool.ranks.map(async ({ rank }) => {
      const reference = { pool: pool.uuid, uuid };
      await context.engines.engineOf(rank).rollbackContainer({ ...reference, epoch });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  const key = containerKey(pool.uuid, uuid);
  await updateRecord(context, containerRecord, key, ({ rollbackEpoch: _, ...fields }) =>
    fields.state === 'rollingBack'
      ? { ...fields, state: 'ready' as const, generation: fields.generation + 1 }
      : undefined,
  );
}
