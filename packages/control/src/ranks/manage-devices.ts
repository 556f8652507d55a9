// Gives up a device that pools are kept on, and puts a new share in place of what stood on it.
//
// Replacing, in durable steps:
//
//   1. A device that the engine was given is formatted, empty: all that lay there is lost now.
//   2. For each pool that had a share on it: one transaction records that the containers of the
//      pool are no longer whole.
//   3. The engine makes the target's share of the pool anew, with its containers, all empty.
//   4. Snapshots are pinned there and quotas divided, as after a start of the engine.
//
// A kill before step 3 leaves the device, or what is left of its pools, to be replaced; one after
// it, what a start of the engine or of the service mends.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, updateRecord, type ControlContext } from '../control-context.js';
import { healContainers } from '../containers/heal-containers.js';
import type { OwnDevice } from '../engines/engine-control.js';
import { publishMap } from '../pools/publish-map.js';
import { giveRecordedParts } from '../quotas/balance-quota.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import { poolKey, poolRecord, type PoolFields } from '../records/pool-record.js';

/** What stands on a device: a share of each of these pools. */
interface Device {
  /** That the engine was given; absent for the file of one share. */
  readonly own?: OwnDevice;
  readonly pools: readonly string[];
  readonly targets: readonly number[];
  readonly isFaulty: boolean;
}

/** DER_NONEXIST for what is no device of the rank; the message says how to find them. */
export async function findDevice(
  context: ControlContext,
  rank: number,
  path: string,
): Promise<Device> {
  const engine = context.engines.engineOf(rank);
  const own = (await engine.listDevices({})).devices.find((known) => known.path === path);
  const parts = (await engine.queryDevices({})).devices.filter((known) => known.path === path);
  if (own) {
    const lost = parts.filter(({ isFaulty }) => isFaulty);
    const pools = [...new Set(lost.map(({ pool }) => pool))];
    return { own, pools, targets: own.targets, isFaulty: own.state !== 'normal' };
  }
  const [part] = parts;
  if (part) return { pools: [part.pool], targets: [part.target], isFaulty: part.isFaulty };
  const message = `rank ${rank} has no device ${path}: see 'dmg storage query list-devices'`;
  throw new DaosError('DER_NONEXIST', message);
}

/** Its targets stop, with all that they serve. May be repeated. */
export async function setDeviceFaulty(
  context: ControlContext,
  rank: number,
  path: string,
): Promise<void> {
  await findDevice(context, rank, path);
  const why = 'an administrator gave it up';
  await context.engines.engineOf(rank).setDeviceFaulty({ path, why });
}

/** DER_BUSY for a device that is not faulty; DER_INVAL unless the loss of data is accepted. */
export async function replaceDevice(
  context: ControlContext,
  rank: number,
  path: string,
  acceptsDataLoss: boolean,
): Promise<void> {
  const { own, pools, targets, isFaulty } = await findDevice(context, rank, path);
  if (!isFaulty) {
    const action = `set it faulty before: 'dmg storage set nvme-faulty'`;
    throw new DaosError('DER_BUSY', `${path} works, and is not replaced`, { action });
  }
  if (!acceptsDataLoss) {
    const where = `target ${targets.join(', ')} of rank ${rank}`;
    const what = pools.length > 0 ? `of pool ${pools.join(', ')} ` : '';
    const message = `what ${where} keeps ${what}has no copy and would be lost`;
    throw new DaosError('DER_INVAL', `${message}: say that it may be`);
  }
  if (own?.state === 'faulty') {
    await context.engines.engineOf(rank).renewDevice({ path, isForced: acceptsDataLoss });
  }
  for (const pool of pools) await replaceShare(context, rank, path, pool);
}

async function replaceShare(
  context: ControlContext,
  rank: number,
  path: string,
  uuid: string,
): Promise<void> {
  await context.poolMutex.run(uuid, async () => {
    const pool = await recordLoss(context, uuid);
    const prefix = containerPrefix(pool.uuid);
    const containers = (await readRecords(context, containerRecord, prefix))
      .map(({ fields }) => fields)
      .filter(({ state }) => state !== 'creating');
    for (const container of containers) await giveRecordedParts(context, container, rank);
    await context.engines.engineOf(rank).replaceDevice({
      path,
      pool: uuid,
      arenaBytes: pool.arenaBytes,
      dataBytes: pool.dataBytes,
      containers: containers.map((container) => container.uuid),
      acceptsDataLoss: true,
    });
  });
  await publishMap(context, uuid);
  const pool = await readRecord(context, poolRecord, poolKey(uuid));
  if (pool) await healContainers(context, pool.fields);
}

async function recordLoss(context: ControlContext, uuid: string): Promise<PoolFields> {
  return await updateRecord(context, poolRecord, poolKey(uuid), (pool) => {
    if (pool.state !== 'ready') {
      throw new DaosError('DER_INPROGRESS', `pool '${pool.label}' is ${pool.state}`);
    }
    const mapVersion = pool.mapVersion + 1;
    return { ...pool, mapVersion, lossMapVersion: mapVersion };
  });
}
