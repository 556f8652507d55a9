// Goal:   ten thousand containers are listed within a second, for whoever may see them.
// Method: a real store and a real service over HTTP; what a user sees takes the access lists of all
//         of them. Engines have no part in a list. Processor time of client and service together,
//         best of a few runs: what else runs on the machine is not their cost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ControlClient } from '../client/control-client.js';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import { ControlService } from '../service/control-service.js';

const CONTAINER_COUNT = 10_000;
const LIST_MS_MAX = 1000;
const CREATED_AT_ONCE = 100;
const RUN_COUNT = 3;
const GIB = 2 ** 30;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const yes = new Proxy({} as EngineControl, { get: () => async () => ({ targets: [] }) });

async function bestMs(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < RUN_COUNT; index++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return Math.min(...times);
}

async function fill(control: ControlPlane): Promise<string> {
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 8 * GIB,
    memoryCapacityBytes: GIB,
    addresses: [[]],
  });
  const { uuid } = await control.createPool({ label: 'p', size: GIB });
  for (let first = 0; first < CONTAINER_COUNT; first += CREATED_AT_ONCE) {
    const labels = Array.from({ length: CREATED_AT_ONCE }, (_, i) => `container-${first + i}`);
    await Promise.all(labels.map((label) => control.createContainer('p', { label })));
  }
  return uuid;
}

test('control/list-containers: ten thousand are listed within a second', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'daos-list-'));
  const store = LmdbStore.open({ directory });
  const control = new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });
  const pool = await fill(control);
  const service = await ControlService.start({
    ...{ control, address: '127.0.0.1', port: 0, insecure: true, version: '1', log: silent },
  });
  const client = new ControlClient({ url: service.url });
  const asAdministrator = await bestMs(async () => {
    const { containers } = await client.call('listContainers', { params: { pool: 'p' } });
    expect(containers).toHaveLength(CONTAINER_COUNT);
  });
  const owner = { user: 'root@', groups: ['root@'] };
  const asUser = await bestMs(async () => {
    const access = control.accessOf({ isAdministrator: false, identity: owner });
    const seen = await control.listContainers(pool, access);
    expect(seen).toHaveLength(CONTAINER_COUNT);
  });
  await service.close();
  await store.close();
  rmSync(directory, { recursive: true });
  process.stderr.write(
    `10,000 containers: ${asAdministrator.toFixed(0)} ms over HTTP, ${asUser.toFixed(0)} ms with ` +
      `their access lists\n`,
  );
  expect(asAdministrator).toBeLessThan(LIST_MS_MAX);
  expect(asUser).toBeLessThan(LIST_MS_MAX);
}, 240_000);
