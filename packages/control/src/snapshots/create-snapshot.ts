// Pins the present state of a container.
//
//   1. Every engine tells an epoch that is later than all it has acknowledged; the latest of them
//      is that of the snapshot.
//   2. One transaction records the snapshot: `creating`.
//   3. Every engine pins the epoch, and gives later ones to writes from then on.
//   4. One transaction makes it `ready`. A failure before is undone from the record.
//
// A write that was acknowledged before the request is in the snapshot; one that begins after the
// answer is not. Writes in between are in it or not, each as one.

import { DaosError } from '@daos/model';
import { updateRecord, type ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import { SNAPSHOT_COUNT_MAX } from '../records/container-properties.js';
import {
  containerRecord,
  type ContainerFields,
  type SnapshotFields,
} from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { inTurn, pinOnEngines, settleSnapshots } from './pin-snapshots.js';
import {
  toSnapshot,
  type CreateSnapshotRequest,
  type Snapshot,
} from './snapshot.js';

/** DER_EXIST when the container has one of the name; DER_UNREACH when an engine is away. */
export async function createSnapshot(
  context: ControlContext,
  poolName: string,
  name: string,
  request: CreateSnapshotRequest,
  requestKey?: string,
): Promise<Snapshot> {
  const pool = (await findPool(context, poolName)).fields;
  const { fields } = await findContainer(context, pool, name);
  return await inTurn(context, fields, async () => {
    // What an earlier attempt left takes up names and room.
    await settleSnapshots(context, pool, fields.uuid);
    const { key, fields: now } = await findContainer(context, pool, fields.uuid);
    const repeated = now.snapshots.find(
      (known) => requestKey !== undefined && known.requestKey === requestKey,
    );
    if (repeated?.state === 'ready') return toSnapshot(repeated);
    checkNew(now, request);
    const snapshot: SnapshotFields = {
      epoch: await latestEpoch(context, pool),
      state: 'creating',
      createdMs: context.clock.wallMs(),
      ...(request.name !== undefined && { name: request.name }),
      ...(requestKey !== undefined && { requestKey }),
    };
    await carryOut(context, pool, key, snapshot);
    return toSnapshot(snapshot);
  });
}

function checkNew(container: ContainerFields, { name }: CreateSnapshotRequest): void {
  const { label, snapshots, properties } = container;
  const { max_snapshot: countMax } = properties;
  if (countMax > 0 && snapshots.length >= countMax) {
    const message = `container '${label}' may have ${countMax} snapshots, and has them`;
    throw new DaosError('DER_NOSPACE', message, {
      action: 'destroy one of them, or have an administrator set max_snapshot',
    });
  }
  if (snapshots.length >= SNAPSHOT_COUNT_MAX) {
    throw new DaosError(
      'DER_OVERFLOW',
      `container '${label}' has ${SNAPSHOT_COUNT_MAX} snapshots, which is the most: destroy some`,
    );
  }
  if (name !== undefined && snapshots.some((known) => known.name === name)) {
    const message = `container '${label}' has a snapshot '${name}' already`;
    throw new DaosError('DER_EXIST', message, { action: 'choose another name, or leave it out' });
  }
}

async function latestEpoch(context: ControlContext, pool: PoolFields): Promise<string> {
  const answers = await Promise.all(
    pool.ranks.map(({ rank }) => context.engines.engineOf(rank).newEpoch({})),
  );
  const epochs = answers.map(({ epoch }) => BigInt(epoch));
  return String(epochs.reduce((latest, epoch) => (epoch > latest ? epoch : latest), 0n));
}

async function carryOut(
  context: ControlContext,
  pool: PoolFields,
  key: string,
  snapshot: SnapshotFields,
): Promise<void> {
  const { uuid, snapshots } = await updateRecord(context, containerRecord, key, (fields) => {
    checkReady(fields);
    return { ...fields, snapshots: [...fields.snapshots, snapshot] };
  });
  try {
    await pinOnEngines(context, pool, uuid, snapshots);
    await updateRecord(context, containerRecord, key, (fields) => {
      checkReady(fields);
      const isThis = ({ epoch }: SnapshotFields) => epoch === snapshot.epoch;
      const ready = { ...snapshot, state: 'ready' as const };
      return { ...fields, snapshots: fields.snapshots.map((s) => (isThis(s) ? ready : s)) };
    });
  } catch (error) {
    // What cannot be undone now, because an engine is away, is undone when it is back.
    await settleSnapshots(context, pool, uuid).catch((cause: unknown) => {
      context.log.warn(`a snapshot of '${uuid}' is left to be cleared away`, {
        error: String(cause),
      });
    });
    throw error;
  }
}

function checkReady({ label, state }: ContainerFields): void {
  if (state === 'ready') return;
  throw new DaosError('DER_INPROGRESS', `container '${label}' is ${state}`);
}
