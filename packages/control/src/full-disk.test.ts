// Goal:   with its disk full the control plane refuses what it cannot record, keeps what it has
//         acknowledged, and goes on when there is room again.
// Method: a real LMDB on a file system of two megabytes in memory, which takes the superuser to
//         mount; engines that agree.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
import { ControlPlane } from './control-plane.js';
import type { EngineControl } from './engines/engine-control.js';
import { LmdbStore } from './metadata/lmdb-store.js';

const GIB = 2 ** 30;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const yes = new Proxy({} as EngineControl, { get: () => async () => ({ targets: [] }) });
let mount = '';

beforeEach(() => {
  expect(userInfo().uid).toBe(0);
  mount = mkdtempSync(join(tmpdir(), 'daos-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', mount]);
});

afterEach(() => {
  execFileSync('umount', [mount]);
  rmSync(mount, { recursive: true });
});

const controlOf = (store: LmdbStore) =>
  new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });

const labelsOf = async (control: ControlPlane) =>
  (await control.listContainers('p')).map(({ label }) => label).sort();

/** Until there is no room; returns the labels that were acknowledged. */
async function fill(control: ControlPlane): Promise<string[]> {
  const made: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    try {
      await control.createContainer('p', { label: `c${i}` });
      made.push(`c${i}`);
    } catch (error) {
      expect(DaosError.is(error) && error.code).toBe('DER_NOSPACE');
      return made.sort();
    }
  }
  throw new Error('the disk has not become full');
}

test('control/full-disk: nothing acknowledged is lost, and room makes it go on', async () => {
  const directory = join(mount, 'metadata');
  let store = LmdbStore.open({ directory });
  const control = controlOf(store);
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 8 * GIB,
    memoryCapacityBytes: GIB,
    addresses: [[]],
  });
  await control.createPool({ label: 'p', size: GIB });
  const made = await fill(control);
  expect(made.length).toBeGreaterThan(10);
  expect(await labelsOf(control)).toEqual(made);
  await store.close();
  store = LmdbStore.open({ directory });
  expect(await labelsOf(controlOf(store))).toEqual(made);
  execFileSync('mount', ['-o', 'remount,size=16m', mount]);
  const again = controlOf(store);
  await again.heal();
  expect(await labelsOf(again)).toEqual(made);
  await again.createContainer('p', { label: 'more' });
  await again.destroyPool('p', { recursive: true });
  expect(await again.listPools()).toEqual([]);
  await store.close();
});
