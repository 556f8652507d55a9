// The native engine of this process behind the interface by which the control plane commands
// engines.

import type { EngineControl, EngineParameters } from '@daos/control/engine-control';
import { DaosError, type DaosErrorCode } from '@daos/model';
import type { Engine, RequestSpans } from '@daos/native';

/** Answers at the latest after this: less than any caller waits for an answer. */
const QUOTA_WAIT_MS = 20_000;

/** Borrows the engine; `stop` stops it. */
export function engineControlOf(engine: Engine): EngineControl {
  const awaitQuotaRequests = quotaWaiter(engine);
  return {
    createPool: async ({ uuid, arenaBytes, dataBytes, key, properties }) => {
      if (key) await setKey(engine, uuid, key);
      if (properties) await setProperties(engine, uuid, properties);
      return await done(engine.createPool(uuid, { arenaBytes, dataBytes }), 'DER_EXIST');
    },
    openPool: async ({ uuid, key, properties }) => {
      if (key) await setKey(engine, uuid, key);
      if (properties) await setProperties(engine, uuid, properties);
      return await done(engine.openPool(uuid), 'DER_ALREADY');
    },
    setPoolKey: ({ uuid, key }) => done(setKey(engine, uuid, key)),
    setPoolProperties: ({ uuid, properties }) => done(setProperties(engine, uuid, properties)),
    setPoolMap: ({ uuid, map }) => done(engine.setPoolMap(uuid, map)),
    destroyPool: ({ uuid }) => done(engine.destroyPool(uuid), 'DER_NONEXIST'),
    createContainer: ({ pool, uuid }) => done(engine.createContainer(pool, uuid), 'DER_EXIST'),
    destroyContainer: ({ pool, uuid }) => done(engine.destroyContainer(pool, uuid), 'DER_NONEXIST'),
    resizePool: ({ uuid, dataBytes }) => done(engine.resizePool(uuid, dataBytes)),
    setContainerQuota: ({ pool, uuid, ...quota }) =>
      done(engine.setContainerQuota(pool, uuid, quota)),
    containerUsage: async ({ pool, uuid }) => ({
      targets: await engine.containerUsage(pool, uuid, false),
    }),
    freezeContainerQuota: async ({ pool, uuid }) => ({
      targets: await engine.containerUsage(pool, uuid, true),
    }),
    awaitQuotaRequests,
    listDevices: async () => ({ devices: await engine.listDevices() }),
    renewDevice: ({ path, isForced }) => done(engine.renewDevice(path, { isForced })),
    queryDevices: async () => ({ devices: await engine.queryDevices() }),
    setDeviceFaulty: ({ path, why }) => done(engine.setDeviceFaulty(path, why)),
    replaceDevice: ({ path, arenaBytes, dataBytes, ...replacement }) => {
      const sizes = { arenaBytes, dataBytes };
      return done(engine.replaceDevice(path, { sizes, ...replacement }));
    },
    queryPool: async ({ uuid }) => ({
      targets: (await engine.queryPool(uuid)).map((share) => ({
        index: share.target,
        arena: { usedBytes: share.arenaUsedBytes, totalBytes: share.arenaTotalBytes },
        data: {
          usedBytes: share.dataUsedBytes,
          totalBytes: share.dataTotalBytes,
          prewrittenBytes: share.dataPrewrittenBytes,
        },
        containerCount: share.containerCount,
        ...(share.failure !== '' && { failure: share.failure }),
      })),
    }),
    poolMetrics: async ({ uuid }) => ({
      targets: (await engine.poolMetrics(uuid)).map(({ target, operations }) => ({
        index: target,
        operations,
      })),
    }),
    newEpoch: async () => ({ epoch: String(await engine.newEpoch()) }),
    setContainerSnapshots: ({ pool, uuid, epochs }) =>
      done(engine.setContainerSnapshots(pool, uuid, epochs.map(BigInt))),
    rollbackContainer: ({ pool, uuid, epoch }) =>
      done(engine.rollbackContainer(pool, uuid, BigInt(epoch))),
    addresses: async () => ({ targets: await engine.addresses() }),
    stop: () => done(engine.stop()),
  };
}

/** Gives spans of requests that clients trace to `take`, until the engine stops. */
export async function passSpans(engine: Engine, take: (taken: RequestSpans) => void) {
  for (;;) {
    const taken = await engine.awaitRequestSpans();
    if (taken.spans.length === 0) return;
    take(taken);
  }
}

/** One call at a time waits in the engine, however many wait here. */
function quotaWaiter(engine: Engine): EngineControl['awaitQuotaRequests'] {
  let waiting: Promise<{ containers: { pool: string; uuid: string }[] }> | undefined;
  const begin = async () => {
    try {
      const wanted = await engine.awaitQuotaRequests();
      return { containers: wanted.map(({ pool, container }) => ({ pool, uuid: container })) };
    } finally {
      waiting = undefined;
    }
  };
  return async () => {
    waiting ??= begin();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<{ containers: [] }>((resolve) => {
      timer = setTimeout(() => resolve({ containers: [] }), QUOTA_WAIT_MS).unref();
    });
    try {
      return await Promise.race([waiting, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function setKey(
  engine: Engine,
  pool: string,
  { secret, evictions, ...key }: EngineParameters<'setPoolKey'>['key'],
): Promise<void> {
  return engine.setPoolKey(pool, {
    ...key,
    secret: Buffer.from(secret, 'base64'),
    evictions: evictions.map(({ container, machine, serial }) => ({
      ...(container !== undefined && { container }),
      ...(machine !== undefined && { machine: BigInt(`0x${machine}`) }),
      serial,
    })),
  });
}

function setProperties(
  engine: Engine,
  pool: string,
  { reclaim, space_rb }: EngineParameters<'setPoolProperties'>['properties'],
): Promise<void> {
  return engine.setPoolProperties(pool, { reclaim, spareSpacePercent: space_rb });
}

/** `harmless` says that an earlier attempt got as far. */
async function done(
  action: Promise<void>,
  harmless?: DaosErrorCode,
): Promise<Record<string, never>> {
  try {
    await action;
  } catch (error) {
    if (harmless === undefined || !DaosError.is(error, harmless)) throw error;
  }
  return {};
}
