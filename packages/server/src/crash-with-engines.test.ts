// Goal:   wherever the control service is killed while it creates or destroys a pool or container,
//         real engines and its records agree after the restart: the thing is whole or gone, nothing
//         of it is left in an engine's directory, and what is gone can be made again.
// Method: two engines of this process, real LMDB. A run counts its side effects (a transaction, an
//         engine's call) and is repeated once for each of them, dying just before it and, again,
//         just after it; every other time the engines are started anew as well, as after a power
//         cut. That the rules hold in all life cycles is tried in control/src/crash.test.ts.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ControlPlane,
  LmdbStore,
  type EngineControl,
  type EngineDirectory,
  type MetadataStore,
} from '@daos/control';
import { LocalNetwork, startEngine, type Engine } from '@daos/native';
import { engineControlOf } from './engine/native-engine-control.js';

const MIB = 2 ** 20;
const RANKS = [0, 1];
// In memory: what is tried are steps, not disks.
const scratch = mkdtempSync('/dev/shm/daos-crash-');
const silent = { info: () => {}, warn: () => {}, error: () => {} };

let network: LocalNetwork;
const engines: Engine[] = [];
const controls: EngineControl[] = [];
let storeCount = 0;

async function startEngines(): Promise<void> {
  for (const rank of RANKS) {
    const dataDirectory = join(scratch, `engine${rank}`);
    mkdirSync(dataDirectory, { recursive: true });
    engines[rank] = await startEngine({
      ...{ rank, dataDirectory, targetCount: 1, transports: ['local'], network },
      store: { historySeconds: 300 },
    });
    controls[rank] = engineControlOf(engines[rank]);
  }
}

async function stopEngines(): Promise<void> {
  for (const engine of engines) await engine.stop();
}

beforeAll(async () => {
  network = await LocalNetwork.create();
  await startEngines();
});

afterAll(async () => {
  await stopEngines();
  await network.close();
  rmSync(scratch, { recursive: true });
});

/** Lets so many side effects through; the next one happens or not, and then the process is dead. */
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

  engineOf(rank: number): EngineControl {
    return new Proxy(controls[rank] as EngineControl, {
      get: (engine, name: keyof EngineControl) => (parameters: never) =>
        this.effect<unknown>(() => engine[name](parameters)),
    });
  }
}

const plain: EngineDirectory = { engineOf: (rank) => controls[rank] as EngineControl };

const controlOf = (store: MetadataStore, life?: Life): ControlPlane =>
  new ControlPlane({
    store: life ? life.store(store) : store,
    engines: life ? { engineOf: (rank) => life.engineOf(rank) } : plain,
    log: silent,
  });

async function joinAll(control: ControlPlane): Promise<void> {
  for (const rank of RANKS) {
    await control.joinRank({
      ...{ rank, host: `host${rank}`, faultDomain: `/host${rank}`, targetCount: 1 },
      ...{ storageCapacityBytes: 1024 * MIB, memoryCapacityBytes: 512 * MIB },
      addresses: (await (controls[rank] as EngineControl).addresses({})).targets,
    });
  }
}

/** What exists; records and engines must agree on it. */
async function whatIsThere(control: ControlPlane): Promise<string[]> {
  const pools = await control.listPools();
  const found: string[] = [];
  for (const { uuid, label, state } of pools) {
    expect(state).toBe('ready');
    const containers = await control.listContainers(uuid);
    found.push(label, ...containers.map((container) => `${label}/${container.label}`));
    for (const engine of controls) {
      const { targets } = await engine.queryPool({ uuid });
      expect(targets.map((target) => target.containerCount)).toEqual([containers.length]);
    }
  }
  for (const engine of engines) {
    expect((await engine.listPools()).sort()).toEqual(pools.map(({ uuid }) => uuid).sort());
  }
  return found.sort();
}

interface Scenario {
  prepare(control: ControlPlane): Promise<unknown>;
  run(control: ControlPlane): Promise<unknown>;
  before: string[];
  after: string[];
}

const createPool = (control: ControlPlane) =>
  control.createPool({ label: 'p', arenaSizePerRank: 32 * MIB, dataSizePerRank: 16 * MIB });
const createContainer = (control: ControlPlane) => control.createContainer('p', { label: 'c' });

const SCENARIOS: Record<string, Scenario> = {
  'a pool is created': {
    prepare: async () => {},
    run: createPool,
    ...{ before: [], after: ['p'] },
  },
  'a pool is destroyed with its container': {
    prepare: async (control) => {
      await createPool(control);
      await createContainer(control);
    },
    run: (control) => control.destroyPool('p', { recursive: true }),
    ...{ before: ['p', 'p/c'], after: [] },
  },
  'a container is created': {
    prepare: createPool,
    run: createContainer,
    ...{ before: ['p'], after: ['p', 'p/c'] },
  },
  'a container is destroyed': {
    prepare: async (control) => {
      await createPool(control);
      await createContainer(control);
    },
    run: (control) => control.destroyContainer('p', 'c'),
    ...{ before: ['p', 'p/c'], after: ['p'] },
  },
};

/** One run that dies where `life` says; returns whether it came to its end. */
async function dieOnce({ prepare, run, before, after }: Scenario, life: Life): Promise<boolean> {
  const store = LmdbStore.open({ directory: join(scratch, `store${storeCount++}`) });
  try {
    const first = controlOf(store);
    await joinAll(first);
    await prepare(first);
    const isAcknowledged = await run(controlOf(store, life)).then(
      () => true,
      () => false,
    );
    if (storeCount % 2 === 0) {
      await stopEngines();
      await startEngines();
    }
    const next = controlOf(store);
    await next.heal();
    await joinAll(next);
    const found = await whatIsThere(next);
    expect([before, after]).toContainEqual(found);
    if (isAcknowledged) expect(found).toEqual(after);
    // What is there can be used, what is gone be made again, and all of it goes.
    if (!found.includes('p')) await createPool(next);
    if (!found.includes('p/c')) await createContainer(next);
    expect(await whatIsThere(next)).toEqual(['p', 'p/c']);
    await next.destroyPool('p', { recursive: true });
    expect(await whatIsThere(next)).toEqual([]);
    return isAcknowledged;
  } finally {
    await store.close();
  }
}

describe('server/crash-with-engines', () => {
  test.each(Object.entries(SCENARIOS))(
    '%s: whole or gone after a kill at any step',
    async (_name, scenario) => {
      const whole = new Life(Infinity, false);
      expect(await dieOnce(scenario, whole)).toBe(true);
      expect(whole.effectCount).toBeGreaterThan(3);
      for (let step = 0; step < whole.effectCount; step++) {
        for (const diesAfterEffect of [false, true]) {
          const isAcknowledged = await dieOnce(scenario, new Life(step, diesAfterEffect));
          expect({ step, diesAfterEffect, isAcknowledged }).toMatchObject({
            isAcknowledged: false,
          });
        }
      }
    },
  );
});
