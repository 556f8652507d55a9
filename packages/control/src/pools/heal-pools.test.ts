// Goal:   what keeps a pool from being cleared away and passes, as a store that doesn't answer for
//         a moment, ends no term and loses nothing: it is tried again, and repeated requests go on.
// Method: a real store that fails when it is told to; engines that say yes; time is turned by hand.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DaosError, type DaosErrorCode } from '@daos/model';
import type { Clock } from '../clock.js';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import { RETRY_MS } from './unfinished-pools.js';

const GIB = 2 ** 30;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const POOL = { label: 'p', size: GIB };

class HandClock implements Clock {
  nowMs = 1000;
  #tasks: { atMs: number; run: () => void }[] = [];
  monotonicMs = () => this.nowMs;
  wallMs = () => this.nowMs;
  schedule(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    this.#tasks.push(task);
    return () => void (this.#tasks = this.#tasks.filter((other) => other !== task));
  }
  get taskCount(): number {
    return this.#tasks.length;
  }
  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#tasks.filter(({ atMs }) => atMs <= this.nowMs);
    this.#tasks = this.#tasks.filter((task) => !due.includes(task));
    for (const { run } of due) run();
    for (let turn = 0; turn < 200; turn++) await setImmediate();
  }
}

let directory: string;
let store: LmdbStore;
let clock: HandClock;
/** Of the next transactions, and of engines while it lasts. */
let failures: DaosErrorCode[];
let engineFailure: DaosErrorCode | undefined;
let control: ControlPlane;

const engine = new Proxy({} as EngineControl, {
  get: () => async () => {
    if (engineFailure !== undefined) throw new DaosError(engineFailure, 'so');
    return { targets: [] };
  },
});

/** As after a start of the service. */
function newPlane(): ControlPlane {
  const flaky: MetadataStore = Object.assign(Object.create(store) as MetadataStore, {
    get: (key: string) => store.get(key),
    range: (options: Parameters<MetadataStore['range']>[0]) => store.range(options),
    txn: async (...change: Parameters<MetadataStore['txn']>) => {
      const failure = failures.shift();
      if (failure !== undefined) throw new DaosError(failure, 'so');
      return await store.txn(...change);
    },
  });
  return new ControlPlane({
    ...{ store: flaky, engines: { engineOf: () => engine }, log: silent, clock },
  });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'daos-heal-'));
  clock = new HandClock();
  store = LmdbStore.open({ directory });
  failures = [];
  engineFailure = undefined;
  control = newPlane();
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 8 * GIB,
    memoryCapacityBytes: GIB,
    addresses: [[]],
  });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** A pool whose destruction was interrupted: its engine fell away. */
async function leavePool(): Promise<void> {
  await control.createPool(POOL, 'key');
  engineFailure = 'DER_UNREACH';
  await expect(control.destroyPool('p')).rejects.toMatchObject({ code: 'DER_UNREACH' });
  engineFailure = undefined;
}

const states = async () => (await control.listPools()).map(({ state }) => state);

describe('control/heal-pools', () => {
  test.each<DaosErrorCode>(['DER_UNREACH', 'DER_TIMEDOUT', 'DER_AGAIN'])(
    'a store that answers %s for a moment is asked again, and the pool goes',
    async (failure) => {
      await leavePool();
      control = newPlane();
      failures = [failure, failure];
      await control.heal();
      expect(await states()).toEqual(['destroying']);
      using _watch = control.watchUnfinished();
      await clock.advance(RETRY_MS);
      expect(await states()).toEqual(['destroying']);
      await clock.advance(RETRY_MS);
      expect(await states()).toEqual([]);
      expect(clock.taskCount).toBe(0);
      await control.createPool(POOL);
    },
  );

  test('what does not pass ends the healing', async () => {
    await leavePool();
    control = newPlane();
    failures = ['DER_IO'];
    await expect(control.heal()).rejects.toMatchObject({ code: 'DER_IO' });
  });

  test('who acts no longer tries no more', async () => {
    await leavePool();
    control = newPlane();
    failures = ['DER_TIMEDOUT'];
    await control.heal();
    control.watchUnfinished()[Symbol.dispose]();
    await clock.advance(10 * RETRY_MS);
    expect(await states()).toEqual(['destroying']);
  });

  test('a repeated request makes anew what its first attempt left', async () => {
    engineFailure = 'DER_UNREACH';
    const first = control.createPool(POOL, 'key');
    await expect(first).rejects.toMatchObject({ code: 'DER_UNREACH' });
    expect(await states()).toEqual(['destroying']);
    await expect(control.createPool(POOL, 'key')).rejects.toMatchObject({ code: 'DER_UNREACH' });
    engineFailure = undefined;
    const made = await control.createPool(POOL, 'key');
    expect(await states()).toEqual(['ready']);
    expect(await control.createPool(POOL, 'key')).toMatchObject({ uuid: made.uuid });
    await expect(control.createPool(POOL, 'other')).rejects.toMatchObject({ code: 'DER_EXIST' });
  });
});
