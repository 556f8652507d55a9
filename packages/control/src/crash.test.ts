// Goal:   wherever the control service is killed while it creates or destroys a pool or container,
//         the thing is whole or gone after the restart, and no engine keeps space that no record
//         names.
// Method: real LMDB, engines as maps. A run counts every side effect (a transaction, an engine's
//         call); then the same run is repeated once for each of them, dying just before it and,
//         again, just after it. A dead process does nothing more.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
import { ControlPlane } from './control-plane.js';
import type { EngineControl, EngineDirectory, QuotaAmounts } from './engines/engine-control.js';
import { FencedStore, LEADER_KEY } from './metadata/fenced-store.js';
import { LmdbStore } from './metadata/lmdb-store.js';
import type { MetadataEntry, MetadataStore } from './metadata/metadata-store.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-crash-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const RANK_COUNT = 2;
const GIB = 2 ** 30;
/** What a target tells of each container. */
const USED = { bytes: 1000, objects: 1, wantedBytes: 0, wantedObjects: 0 };
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Engines that hold pools and containers in maps, with the contract of EngineControl. */
class MapEngines implements EngineDirectory {
  readonly shares = Array.from({ length: RANK_COUNT }, () => new Map<string, Set<string>>());
  /** Pinned epochs of each container, and the last epoch each went back to, by rank. */
  readonly pins = Array.from({ length: RANK_COUNT }, () => new Map<string, readonly string[]>());
  readonly rollbacks = Array.from({ length: RANK_COUNT }, () => new Map<string, string>());
  /** Of data areas, by pool; and the least that resizePool gives. */
  readonly sizes = Array.from({ length: RANK_COUNT }, () => new Map<string, number>());
  dataBytesMin = 0;
  refusing = 0;
  readonly quotas = Array.from({ length: RANK_COUNT }, () => new Map<string, QuotaAmounts[]>());
  #epoch = 1000n;
  readonly away = new Set<number>();

  engineOf(rank: number): EngineControl {
    const share = this.shares[rank]!;
    if (this.away.has(rank)) throw new DaosError('DER_UNREACH', `rank ${rank} is away`);
    const containersOf = (pool: string) => {
      const containers = share.get(pool);
      if (!containers) throw new DaosError('DER_NONEXIST', `no pool ${pool}`);
      return containers;
    };
    return {
      createPool: async ({ uuid, dataBytes }) => {
        share.set(uuid, share.get(uuid) ?? new Set());
        this.sizes[rank]!.set(uuid, dataBytes);
        return {};
      },
      setPoolKey: async () => ({}),
      setPoolProperties: async () => ({}),
      setPoolMap: async () => ({}),
      openPool: async ({ uuid }) => (containersOf(uuid), {}),
      resizePool: async ({ uuid, dataBytes }) => {
        containersOf(uuid);
        const isRefused = dataBytes < this.dataBytesMin && rank === this.refusing;
        if (isRefused) throw new DaosError('DER_NOSPACE', 'data lies there');
        this.sizes[rank]!.set(uuid, dataBytes);
        return {};
      },
      setContainerQuota: async ({ uuid, parts }) => (this.quotas[rank]!.set(uuid, parts), {}),
      containerUsage: async () => ({ targets: [USED, USED] }),
      freezeContainerQuota: async () => ({ targets: [USED, USED] }),
      awaitQuotaRequests: async () => await new Promise(() => {}),
      queryDevices: async () => ({ devices: [] }),
      listDevices: async () => ({ devices: [] }),
      renewDevice: async () => ({}),
      setDeviceFaulty: async () => ({}),
      replaceDevice: async () => ({}),
      destroyPool: async ({ uuid }) => (share.delete(uuid), {}),
      createContainer: async ({ pool, uuid }) => (containersOf(pool).add(uuid), {}),
      destroyContainer: async ({ pool, uuid }) => (share.get(pool)?.delete(uuid), {}),
      newEpoch: async () => ({ epoch: String(this.#epoch++) }),
      setContainerSnapshots: async ({ uuid, epochs }) => (
        this.pins[rank]!.set(uuid, epochs),
        {}
      ),
      rollbackContainer: async ({ uuid, epoch }) => (this.rollbacks[rank]!.set(uuid, epoch), {}),
      queryPool: async () => ({ targets: [] }),
      poolMetrics: async () => ({ targets: [] }),
      addresses: async () => ({ targets: [] }),
      stop: async () => ({}),
    };
  }
}

/**
 * Lets `lifeCount` side effects through; the next one happens or not, and then the process is dead.
 */
class Life {
  effectCount = 0;
  constructor(
    readonly lifeCount: number,
    readonly diesAfterEffect: boolean,
  ) {}

  async effect<T>(run: () => Promise<T>): Promise<T> {
    if (this.effectCount > this.lifeCount) throw new Error('the process is dead');
    if (this.effectCount++ < this.lifeCount) return await run();
    if (this.diesAfterEffect) await run();
    throw new Error('the process is dead');
  }

  store(store: MetadataStore): MetadataStore {
    return Object.assign(Object.create(store) as MetadataStore, {
      get: (key: string) => store.get(key),
      range: (options: Parameters<MetadataStore['range']>[0]) => store.range(options),
      txn: (...parameters: Parameters<MetadataStore['txn']>) =>
        this.effect(() => store.txn(...parameters)),
    });
  }

  engines(engines: EngineDirectory): EngineDirectory {
    return {
      engineOf: (rank) =>
        new Proxy(engines.engineOf(rank), {
          get: (engine, name: keyof EngineControl) => (parameters: never) =>
            this.effect<unknown>(() => engine[name](parameters)),
        }),
    };
  }
}

/** Is paused before one side effect, while `meanwhile` happens, and goes on unaware of it. */
class Paused extends Life {
  constructor(
    readonly pausedAt: number,
    readonly meanwhile: () => Promise<void>,
  ) {
    super(Infinity, false);
  }

  override async effect<T>(run: () => Promise<T>): Promise<T> {
    if (this.effectCount++ === this.pausedAt) await this.meanwhile();
    return await run();
  }
}

interface World {
  store: LmdbStore;
  engines: MapEngines;
}

let worldCount = 0;

async function newWorld(): Promise<World> {
  const store = LmdbStore.open({ directory: join(scratch, String(worldCount++)) });
  const engines = new MapEngines();
  const control = controlOf({ store, engines });
  for (let rank = 0; rank < RANK_COUNT; rank++) await joinRank(control, rank);
  return { store, engines };
}

const joinRank = (control: ControlPlane, rank: number) =>
  control.joinRank({
    rank,
    host: `host${rank}`,
    faultDomain: `/host${rank}`,
    targetCount: 2,
    storageCapacityBytes: 8 * GIB,
    memoryCapacityBytes: GIB,
    addresses: [[], []],
  });

function controlOf({ store, engines }: World, life?: Life): ControlPlane {
  return new ControlPlane({
    store: life ? life.store(store) : store,
    engines: life ? life.engines(engines) : engines,
    log: silent,
  });
}

/** What exists, and that records and engines agree on it. */
async function checkWhole(world: World): Promise<string[]> {
  const control = controlOf(world);
  const found: string[] = [];
  const pools = await control.listPools();
  for (const pool of pools) {
    expect(pool.state).toBe('ready');
    found.push(pool.label);
    const containers = await control.listContainers(pool.uuid);
    found.push(...containers.map((c) => `${pool.label}/${c.label}`));
    for (const { uuid } of containers) await checkSnapshots(world, control, pool.uuid, uuid, found);
    checkSize(world, await world.store.get(`/pools/${pool.uuid}`), found);
    for (const share of world.engines.shares) {
      expect([...(share.get(pool.uuid) ?? [])].sort()).toEqual(
        containers.map((c) => c.uuid).sort(),
      );
    }
  }
  for (const share of world.engines.shares) {
    expect([...share.keys()].sort()).toEqual(pools.map((p) => p.uuid).sort());
  }
  const { entries } = await world.store.range({ prefix: '/' });
  const labels = entries.filter((e) => e.key.includes('-labels/'));
  expect(labels).toHaveLength(found.filter((name) => !/[@=]/.test(name)).length);
  return found.sort();
}

const SMALL = 300 * 2 ** 20;

/** Adds `=resized` for a pool that is larger than it was made. */
function checkSize({ engines }: World, record: MetadataEntry | undefined, found: string[]): void {
  const { uuid, dataBytes, resizedDataBytes } = fieldsOf(record) as Record<string, number | string>;
  expect(resizedDataBytes).toBeUndefined();
  for (const sizes of engines.sizes) expect(sizes.get(String(uuid))).toBe(dataBytes);
  if (Number(dataBytes) > SMALL) found.push('=resized');
}

/** Adds `=quota` for a container with one, whose parts engines and record agree on. */
function checkQuota(engines: MapEngines, record: MetadataEntry | undefined, found: string[]): void {
  const { uuid, properties, quotaParts } = fieldsOf(record) as {
    uuid: string;
    properties: { quota_bytes: number };
    quotaParts?: { rank: number; parts: { bytes: number }[] }[];
  };
  if (properties.quota_bytes === 0) return;
  found.push(`=quota ${properties.quota_bytes}`);
  for (const { rank, parts } of quotaParts ?? []) {
    expect(engines.quotas[rank]!.get(uuid)).toEqual(parts);
  }
  const all = (quotaParts ?? []).flatMap(({ parts }) => parts);
  expect(all).toHaveLength(2 * RANK_COUNT);
  expect(all.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(properties.quota_bytes);
}

const fieldsOf = (record: MetadataEntry | undefined): unknown =>
  JSON.parse(record?.value ?? '{}') as unknown;

/** Adds `@name` for each snapshot, and `=rolled back` for a container that went back to one. */
async function checkSnapshots(
  { engines, store }: World,
  control: ControlPlane,
  pool: string,
  container: string,
  found: string[],
): Promise<void> {
  const snapshots = await control.listSnapshots(pool, container);
  found.push(...snapshots.map(({ name }) => `@${name}`));
  for (const pins of engines.pins) {
    expect(pins.get(container) ?? []).toEqual(snapshots.map(({ epoch }) => epoch));
  }
  const record = await store.get(`/containers/${pool}/${container}`);
  checkQuota(engines, record, found);
  expect(record?.value).not.toMatch(/"(creating|destroying|rollingBack|rollbackEpoch)"/);
  const [first, ...others] = engines.rollbacks.map((rollbacks) => rollbacks.get(container));
  for (const other of others) expect(other).toBe(first);
  if (first !== undefined) found.push('=rolled back');
}

interface Scenario {
  prepare?(control: ControlPlane): Promise<unknown>;
  run(control: ControlPlane): Promise<unknown>;
  /** What may exist afterwards; the second is what an acknowledged run leaves. */
  before: string[];
  after: string[];
}

const makePool = (control: ControlPlane) => control.createPool({ label: 'p', size: GIB });

async function makeContainer(control: ControlPlane): Promise<void> {
  await makePool(control);
  await control.createContainer('p', { label: 'c' });
}

async function makeSnapshot(control: ControlPlane): Promise<void> {
  await makeContainer(control);
  await control.createSnapshot('p', 'c', { name: 's' });
}

const SCENARIOS: Record<string, Scenario> = {
  'creating a pool': { run: makePool, before: [], after: ['p'] },
  'destroying a pool with containers': {
    prepare: makeContainer,
    run: (control) => control.destroyPool('p', { recursive: true }),
    before: ['p', 'p/c'],
    after: [],
  },
  'creating a container': {
    prepare: makePool,
    run: (control) => control.createContainer('p', { label: 'c' }),
    before: ['p'],
    after: ['p', 'p/c'],
  },
  'creating a snapshot': {
    prepare: makeContainer,
    run: (control) => control.createSnapshot('p', 'c', { name: 's' }),
    before: ['p', 'p/c'],
    after: ['@s', 'p', 'p/c'],
  },
  'destroying a snapshot': {
    prepare: makeSnapshot,
    run: (control) => control.destroySnapshot('p', 'c', 's'),
    before: ['@s', 'p', 'p/c'],
    after: ['p', 'p/c'],
  },
  'rolling a container back': {
    prepare: makeSnapshot,
    run: (control) => control.rollbackContainer('p', 'c', 's'),
    before: ['@s', 'p', 'p/c'],
    after: ['=rolled back', '@s', 'p', 'p/c'],
  },
  'resizing a pool': {
    prepare: makePool,
    run: (control) => control.resizePool('p', { size: 2 * GIB }),
    before: ['p'],
    after: ['=resized', 'p'],
  },
  'creating a container with a quota': {
    prepare: makePool,
    run: (control) =>
      control.createContainer('p', { label: 'c', properties: { quota_bytes: 10_000 } as never }),
    before: ['p'],
    after: ['=quota 10000', 'p', 'p/c'],
  },
  'destroying a container': {
    prepare: makeContainer,
    run: (control) => control.destroyContainer('p', 'c'),
    before: ['p', 'p/c'],
    after: ['p'],
  },
};

/**
 * Runs the scenario with this life, restarts, and returns how many side effects a whole run has, or
 * undefined if it died.
 */
async function runOnce(scenario: Scenario, life: Life, isEngineAway: boolean): Promise<boolean> {
  const world = await newWorld();
  try {
    await scenario.prepare?.(controlOf(world));
    const acknowledged = await scenario.run(controlOf(world, life)).then(
      () => true,
      () => false,
    );
    if (isEngineAway) world.engines.away.add(1);
    const restarted = controlOf(world);
    await restarted.heal();
    if (isEngineAway) {
      world.engines.away.clear();
      await joinRank(restarted, 1);
    }
    const found = await checkWhole(world);
    if (acknowledged) expect(found).toEqual(scenario.after);
    else expect([scenario.before, scenario.after]).toContainEqual(found);
    return acknowledged;
  } finally {
    await world.store.close();
  }
}

/** Engines whose servers refuse commands of a term that has ended. */
function ofTerm(engines: MapEngines, seen: number[], term: number): EngineDirectory {
  return {
    engineOf: (rank) =>
      new Proxy(engines.engineOf(rank), {
        get: (engine, name: keyof EngineControl) => async (parameters: never) => {
          if (term < (seen[rank] ?? 0)) throw new DaosError('DER_STALE', 'the term has ended');
          seen[rank] = term;
          return await engine[name](parameters);
        },
      }),
  };
}

/** Begins a term: the control plane of the host that leads from now on. */
async function lead(world: World, seen: number[], life = new Life(Infinity, false)) {
  const { revision } = await world.store.txn([], [{ put: LEADER_KEY, value: '{"url":"x"}' }]);
  return new ControlPlane({
    store: new FencedStore(life.store(world.store), revision),
    engines: life.engines(ofTerm(world.engines, seen, revision)),
    log: silent,
    term: revision,
  });
}

/** How many side effects the run had. */
async function runReplaced(scenario: Scenario, pausedAt: number): Promise<number> {
  const world = await newWorld();
  const seen: number[] = [];
  try {
    await scenario.prepare?.(await lead(world, seen));
    const paused = new Paused(pausedAt, async () => await (await lead(world, seen)).heal());
    const acknowledged = await scenario.run(await lead(world, seen, paused)).then(
      () => true,
      () => false,
    );
    expect(acknowledged).toBe(pausedAt === Infinity);
    const found = await checkWhole(world);
    if (acknowledged) expect(found).toEqual(scenario.after);
    else expect([scenario.before, scenario.after]).toContainEqual(found);
    return paused.effectCount;
  } finally {
    await world.store.close();
  }
}

describe('control/crash', () => {
  test('a size that one engine refuses is taken back on all of them', async () => {
    const world = await newWorld();
    const control = controlOf(world);
    await makePool(control);
    const [first] = world.engines.sizes;
    const before = [...first!.values()];
    world.engines.dataBytesMin = 100 * 2 ** 20;
    world.engines.refusing = 1;
    await expect(control.resizePool('p', { size: GIB / 2 })).rejects.toMatchObject({
      code: 'DER_NOSPACE',
    });
    expect(await checkWhole(world)).toEqual(['p']);
    expect([...first!.values()]).toEqual(before);
    await world.store.close();
  });

  test('a quota that is set while a rank is away holds there when it is back', async () => {
    const world = await newWorld();
    const control = controlOf(world);
    await makeContainer(control);
    world.engines.away.add(1);
    await control.changeContainerProperties('p', 'c', { quota_bytes: 10_000 });
    expect(world.engines.quotas[1]!.size).toBe(0);
    world.engines.away.clear();
    await joinRank(control, 1);
    expect(await checkWhole(world)).toEqual(['=quota 10000', 'p', 'p/c']);
    await world.store.close();
  });

  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(`a host that is replaced while ${name}, and goes on, changes nothing`, async () => {
      const effectCount = await runReplaced(scenario, Infinity);
      for (let step = 0; step < effectCount; step++) await runReplaced(scenario, step);
    });
  }

  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    for (const isEngineAway of [false, true]) {
      const where = isEngineAway ? ', an engine being away at the restart' : '';
      test(`a kill at any step of ${name} leaves it whole or gone${where}`, async () => {
        const whole = new Life(Infinity, false);
        expect(await runOnce(scenario, whole, isEngineAway)).toBe(true);
        expect(whole.effectCount).toBeGreaterThan(3);
        for (let step = 0; step < whole.effectCount; step++) {
          for (const diesAfterEffect of [false, true]) {
            expect(await runOnce(scenario, new Life(step, diesAfterEffect), isEngineAway)).toBe(
              false,
            );
          }
        }
      });
    }
  }
});
