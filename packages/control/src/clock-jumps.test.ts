// Goal:   a wall clock that jumps an hour, either way, neither loses nor repeats anything: answers
//         that were given are given again, ranks stay, leases last, capabilities open.
// Method: a real store and service on a clock whose wall time jumps and whose steady time does not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Clock } from './clock.js';
import { ControlPlane } from './control-plane.js';
import type { EngineControl } from './engines/engine-control.js';
import { LmdbStore } from './metadata/lmdb-store.js';
import { RANK_LEASE_MS } from './ranks/rank-leases.js';
import { ControlService } from './service/control-service.js';

const GIB = 2 ** 30;
const HOUR_MS = 3_600_000;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Steady time is turned by hand. */
class JumpyClock implements Clock {
  nowMs = 1000;
  wall = Date.now();
  readonly #tasks: { atMs: number; run: () => void }[] = [];
  monotonicMs = () => this.nowMs;
  wallMs = () => this.wall;
  schedule(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    this.#tasks.push(task);
    return () => void this.#tasks.splice(this.#tasks.indexOf(task), 1);
  }
  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    this.wall += ms;
    for (const task of this.#tasks.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      task.run();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let directory: string;
let clock: JumpyClock;
let store: LmdbStore;
let control: ControlPlane;
let service: ControlService;
let createdCount = 0;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'daos-clock-'));
  clock = new JumpyClock();
  store = LmdbStore.open({ directory, clock });
  createdCount = 0;
  const engine = new Proxy({} as EngineControl, {
    get: (_target, name) => async () => {
      if (name === 'createContainer') createdCount += 1;
      return { targets: [] };
    },
  });
  const engines = { engineOf: () => engine };
  control = new ControlPlane({ store, engines, log: silent, clock });
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
  service = await ControlService.start({
    ...{ control, address: '127.0.0.1', port: 0, insecure: true, version: '1', log: silent, clock },
  });
});

afterEach(async () => {
  await service.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

async function create(key: string): Promise<unknown> {
  const response = await fetch(`${service.url}/v1/pools/p/containers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ label: 'c' }),
  });
  return await response.json();
}

describe.each([HOUR_MS, -HOUR_MS])('control/clock-jumps by %p ms', (jumpMs) => {
  test('a repeated request is answered as it was, and carried out once', async () => {
    const first = await create('key');
    clock.wall += jumpMs;
    expect(await create('key')).toEqual(first);
    // Duplicates at the same time, and a replay with another body or key, do nothing either.
    const [second, third] = await Promise.all([create('key'), create('key')]);
    expect([second, third]).toEqual([first, first]);
    expect(await create('other')).toMatchObject({ error: { code: 'DER_EXIST' } });
    expect(createdCount).toBe(1);
  });

  test('ranks that are renewed stay, and those that are not become suspect in time', async () => {
    using _watch = control.watchLeases();
    const state = async () => (await control.listRanks())[0]?.state;
    clock.wall += jumpMs;
    await clock.advance(1000);
    expect(await state()).toBe('joined');
    await control.renewRanks([{ rank: 0, incarnation: 1 }]);
    for (let ms = 0; ms <= RANK_LEASE_MS; ms += 1000) await clock.advance(1000);
    expect(await state()).toBe('suspect');
  });

  test('a lease of the store lasts as long as it was said to', async () => {
    const lease = await store.lease(10_000);
    await store.txn([], [{ put: '/tied', value: 'x', leaseId: lease.id }]);
    clock.wall += jumpMs;
    await clock.advance(9000);
    expect(await store.get('/tied')).toBeDefined();
    await clock.advance(2000);
    expect(await store.get('/tied')).toBeUndefined();
  });

  test('a capability of before the jump is good after it, by a wide margin', async () => {
    await create('key');
    const { capability } = await control.openContainer('p', 'c');
    const expiresMs = Number(Buffer.from(capability, 'base64').readBigUInt64LE(40));
    clock.wall += jumpMs;
    expect(expiresMs - clock.wallMs()).toBeGreaterThan(24 * HOUR_MS);
  });
});
