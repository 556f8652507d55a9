// Goal:   snapshots go through the interface by which the control plane commands engines.
// Method: an engine of two targets in this process, and that interface alone. What readers see of
//         snapshots is in native/system/snapshot_test.cc.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineControl } from '@daos/control/engine-control';
import { DaosError } from '@daos/model';
import { LocalNetwork, startEngine, type Engine } from '@daos/native';
import { engineControlOf } from './native-engine-control.js';

describe('server/native-engine-control', () => {
  const pool = randomUUID();
  const uuid = randomUUID();
  let path: string;
  let network: LocalNetwork;
  let engine: Engine;
  let control: EngineControl;

  const start = async () => {
    engine = await startEngine({
      rank: 0,
      dataDirectory: path,
      targetCount: 2,
      transports: ['local'],
      network,
      store: { historySeconds: 300 },
    });
    control = engineControlOf(engine);
  };

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'daos-engine-'));
    network = await LocalNetwork.create();
    await start();
    await control.createPool({ uuid: pool, arenaBytes: 16 * 2 ** 20, dataBytes: 0 });
    await control.createContainer({ pool, uuid });
  });
  afterEach(async () => {
    await engine.stop();
    await network.close();
    await rm(path, { recursive: true });
  });

  test('epochs rise, and every call may be repeated', async () => {
    const { epoch } = await control.newEpoch({});
    const later = (await control.newEpoch({})).epoch;
    expect(BigInt(later) > BigInt(epoch)).toBe(true);
    for (let i = 0; i < 2; i++) {
      await control.setContainerSnapshots({ pool, uuid, epochs: [later, epoch] });
    }
    for (let i = 0; i < 2; i++) await control.rollbackContainer({ pool, uuid, epoch });
    await control.setContainerSnapshots({ pool, uuid, epochs: [] });
    await expect(control.rollbackContainer({ pool, uuid, epoch })).rejects.toThrow(/no snapshot/);
  });

  test('a snapshot is pinned over a restart, and what follows has later epochs', async () => {
    const { epoch } = await control.newEpoch({});
    await control.setContainerSnapshots({ pool, uuid, epochs: [epoch] });
    await engine.stop();
    await start();
    await control.openPool({ uuid: pool });
    expect(BigInt((await control.newEpoch({})).epoch) > BigInt(epoch)).toBe(true);
    await control.rollbackContainer({ pool, uuid, epoch });
  });

  test('what is not there is named', async () => {
    const other = randomUUID();
    const { epoch } = await control.newEpoch({});
    const attempts = [
      control.setContainerSnapshots({ pool, uuid: other, epochs: [epoch] }),
      control.setContainerSnapshots({ pool: other, uuid, epochs: [epoch] }),
      control.rollbackContainer({ pool, uuid: other, epoch }),
      control.rollbackContainer({ pool, uuid, epoch }),
    ];
    for (const attempt of attempts) {
      const error: unknown = await attempt.then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(DaosError.is(error, 'DER_NONEXIST')).toBe(true);
    }
  });
});
