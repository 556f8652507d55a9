// The native engine of this process behind the interface by which the control plane commands
// engines.

import type { EngineControl } from '@daos/control/engine-control';
import { DaosError, type DaosErrorCode } from '@daos/model';
import type { Engine } from '@daos/native';

/** Borrows the engine; `stop` stops it. */
export function engineControlOf(engine: Engine): EngineControl {
  return {
    createPool: ({ uuid, arenaBytes, dataBytes }) =>
      done(engine.createPool(uuid, { arenaBytes, dataBytes }), 'DER_EXIST'),
    openPool: ({ uuid }) => done(engine.openPool(uuid), 'DER_ALREADY'),
    destroyPool: ({ uuid }) => done(engine.destroyPool(uuid), 'DER_NONEXIST'),
    createContainer: ({ pool, uuid }) => done(engine.createContainer(pool, uuid), 'DER_EXIST'),
    destroyContainer: ({ pool, uuid }) => done(engine.destroyContainer(pool, uuid), 'DER_NONEXIST'),
    queryPool: async ({ uuid }) => ({
      targets: (await engine.queryPool(uuid)).map((share) => ({
        index: share.target,
        arena: { usedBytes: share.arenaUsedBytes, totalBytes: share.arenaTotalBytes },
        data: { usedBytes: share.dataUsedBytes, totalBytes: share.dataTotalBytes },
        containerCount: share.containerCount,
      })),
    }),
    addresses: async () => ({ targets: await engine.addresses() }),
    stop: () => done(engine.stop()),
  };
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
