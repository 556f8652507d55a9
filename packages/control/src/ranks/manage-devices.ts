// Gives up a device that pools are kept on, and puts a new share in place of what stood on it.
//
// Replacing, in durable steps:
//
//   1. One transaction records that the containers of the pool are no longer whole.
//   2. The engine makes the target's share of the pool anew, with its containers, all empty.
//   3. Snapshots are pinned there and quotas divided, as after a start of the engine.
//
// A kill before step 2 leaves the device to be replaced; one after it, what a start of the engine
// or of the service mends.

import { DaosError } from '@daos/model';
import { readRecord, readRecords, updateRecord, type ControlContext } from '../control-context.js';
import { healContainers } from '../containers/heal-containers.js';
import { publishMap } from '../pools/publish-map.js';
import { giveRecordedParts } from '../quotas/balance-quota.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import { poolKey, poolRecord, type PoolFields } from '../records/pool-record.js';

type Device = { pool: string; target: number; isFaulty: boolean };

/** DER_NONEXIST for what is no device of the rank; the message says how to find them. */
export async function findDevice(
  context: ControlContext,
  rank: number,
  path: string,
): Promise<Device> {
  const { devices } = await context.engines.engineOf(rank).queryDevices({});
  const device = devices.find((known) => known.path === path);
  if (device) return device;
  const message = `rank ${rank} has no device ${path}: see 'dmg storage query list-devices'`;
  throw new DaosError('DER_NONEXIST', message);
}

/** Its target stops, with all that it serves. May be repeated. */
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
  const device = await findDevice(context, rank, path);
  if (!device.isFaulty) {
    const action = `set it faulty before: 'dmg storage set nvme-faulty'`;
    throw new DaosError('DER_BUSY', `${path} works, and is not replaced`, { action });
  }
  if (!acceptsDataLoss) {
    const where = `target ${device.target} of rank ${rank}`;
    const message = `what ${where} keeps of pool ${device.pool} has no copy and would be lost`;
    throw new DaosError('DER_INVAL', `${message}: say that it may be`);
  }
  await context.poolMutex.run(device.pool, async () => {
    const pool = await recordLoss(context, device.pool);
    const prefix = containerPrefix(pool.uuid);
    const containers = (await readRecords(context, containerRecord, prefix))
      .map(({ fields }) => fields)
      .filter(({ state }) => state !== 'creating');
    for (const container of containers) await giveRecordedParts(context, container, rank);
    await context.engines.engineOf(rank).replaceDevice({
      path,
      arenaBytes: pool.arenaBytes,
      dataBytes: pool.dataBytes,
      containers: containers.map(({ uuid }) => uuid),
      acceptsDataLoss,
    });
  });
  await publishMap(context, device.pool);
  const pool = await readRecord(context, poolRecord, poolKey(device.pool));
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
