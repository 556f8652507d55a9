// Goal:   a client whose pool map is old goes on with the new one, which an engine gives it: it
//         asks nobody else.
// Method: a control plane, two engines and a client in this process, without a server. While the
//         client sleeps one engine moves to another address; then the client's directory of pools
//         refuses to answer.
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, type Container } from '@daos/client';
import { ControlPlane, LmdbStore, type EngineControl } from '@daos/control';
import { DaosError, makeObjectId, type PoolDirectory } from '@daos/model';
import { LocalNetwork, startEngine, type Engine } from '@daos/native';
import { engineControlOf } from '@daos/server';

const MIB = 2 ** 20;
const RANKS = [0, 1];
const KEYS = Array.from({ length: 40 }, (_, i) => `key ${i}`);
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const wide = makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'SX' });

type SetPoolMap = EngineControl['setPoolMap'];

class System implements AsyncDisposable {
  readonly #scratch = mkdtempSync(join(tmpdir(), 'daos-stale-map-'));
  readonly #store = LmdbStore.open({ directory: join(this.#scratch, 'control') });
  readonly #network: LocalNetwork;
  readonly #engines: Engine[] = [];
  readonly #controls: EngineControl[] = [];
  /** What engines were told, as `rank:version`, and the opening of their pools. */
  readonly told: string[] = [];
  /** Stands between the control plane and its engines. */
  interceptor: (rank: number, setPoolMap: SetPoolMap) => SetPoolMap = (_, inner) => inner;
  readonly control = new ControlPlane({
    store: this.#store,
    engines: { engineOf: (rank) => this.#observed(rank) },
    log: silent,
  });
  readonly #clients: Client[] = [];
  isDirectoryAway = false;

  constructor(network: LocalNetwork) {
    this.#network = network;
  }

  #observed(rank: number): EngineControl {
    const inner = this.#controls[rank] as EngineControl;
    return {
      ...inner,
      setPoolMap: async (parameters) => {
        this.told.push(`${rank}:${parameters.map.version}`);
        return await this.interceptor(rank, inner.setPoolMap)(parameters);
      },
      openPool: async (parameters) => {
        this.told.push(`${rank} opens`);
        return await inner.openPool(parameters);
      },
    };
  }

  async start(rank: number): Promise<void> {
    const dataDirectory = join(this.#scratch, `engine${rank}`);
    mkdirSync(dataDirectory, { recursive: true });
    const network = this.#network;
    const engine = await startEngine({ rank, dataDirectory, transports: ['local'], network });
    this.#engines[rank] = engine;
    this.#controls[rank] = engineControlOf(engine);
    await this.control.joinRank({
      ...{ rank, host: `host${rank}`, faultDomain: `/host${rank}`, targetCount: 1 },
      ...{ storageCapacityBytes: 1024 * MIB, memoryCapacityBytes: 512 * MIB },
      addresses: await engine.addresses(),
    });
  }

  async restart(rank: number): Promise<void> {
    await this.#engines[rank]?.stop();
    await this.start(rank);
  }

  async openContainer(): Promise<Container> {
    const directory: PoolDirectory = {
      getPool: async (pool) => {
        if (this.isDirectoryAway) throw new DaosError('DER_UNREACH', 'the service is away');
        return await this.control.getPool(pool);
      },
      getContainer: (pool, container) => this.control.getContainer(pool, container),
      openContainer: (pool, container, options) =>
        this.control.openContainer(pool, container, options),
    };
    const client = await Client.connect({
      ...{ control: directory, transports: ['local'], network: this.#network },
    });
    this.#clients.push(client);
    return await (await client.openPool('p')).openContainer('c');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const engine of this.#engines) await engine.stop();
    await this.#store.close();
    await this.#network.close();
    rmSync(this.#scratch, { recursive: true });
  }
}

describe('embedded/stale-map', () => {
  let system: System;

  beforeEach(async () => {
    system = new System(await LocalNetwork.create());
    for (const rank of RANKS) await system.start(rank);
    await system.control.createPool({
      ...{ label: 'p', arenaSizePerRank: 32 * MIB, dataSizePerRank: 16 * MIB },
    });
    await system.control.createContainer('p', { label: 'c' });
    system.told.length = 0;
  });

  afterEach(async () => {
    await system[Symbol.asyncDispose]();
  });

  test('a client finds an engine that has moved by the map that another one gives it', async () => {
    const container = await system.openContainer();
    const object = container.object(wide);
    await Promise.all(KEYS.map((key) => object.update(key, 'a', `${key}!`)));
    await system.control.excludeRank(1);
    await system.control.clearExcludedRank(1);
    await system.restart(1);
    expect((await system.control.getPool('p')).map.version).toBe(3);
    system.isDirectoryAway = true;
    // Those of the engine that stayed bring the map; the others wait for it.
    const values = await Promise.all(KEYS.map((key) => object.fetch(key, 'a')));
    expect(values.map((value) => Buffer.from(value as Uint8Array).toString())).toEqual(
      KEYS.map((key) => `${key}!`),
    );
    await Promise.all(KEYS.map((key) => object.update(key, 'a', 'new')));
  });

  test('what lies on an excluded rank is refused by name until it is let in again', async () => {
    const object = (await system.openContainer()).object(wide);
    await Promise.all(KEYS.map((key) => object.update(key, 'a', 'value')));
    await system.control.excludeRank(1);
    const outcomes = await Promise.allSettled(KEYS.map((key) => object.fetch(key, 'a')));
    const refused = KEYS.filter((_, i) => outcomes[i]?.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(KEYS.length);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({
        code: 'DER_BAD_TARGET',
        retryable: true,
        message: expect.stringContaining('target 0 of rank 1'),
      });
    }
    await system.control.clearExcludedRank(1);
    await system.restart(1);
    // A refusal has the map asked for again: no other rank has to tell of it, nor refresh().
    const [key] = refused as [string];
    let value: Uint8Array | undefined;
    while (value === undefined) {
      value = await object.fetch(key, 'a').catch((error: unknown) => {
        if (!DaosError.is(error, 'DER_BAD_TARGET')) throw error;
        return undefined;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(Buffer.from(value).toString()).toBe('value');
  });

  test('engines are told of each change, and before they open a pool', async () => {
    await system.control.excludeRank(1);
    expect(system.told.sort()).toEqual(['0:2', '1:2']);
    system.told.length = 0;
    await system.control.clearExcludedRank(1);
    expect(system.told).toEqual(['0:3']);
    system.told.length = 0;
    await system.restart(1);
    expect(system.told.slice(0, 2)).toEqual(['1:3', '1 opens']);
    expect(system.told.slice(2).sort()).toEqual(['0:3', '1:3']);
  });

  test('an engine that hangs or fails holds no change up', async () => {
    system.interceptor = (rank, inner) =>
      rank === 0 ? () => new Promise<never>(() => {}) : inner;
    await system.control.excludeRank(1);
    system.interceptor = () => () => Promise.reject(new DaosError('DER_UNREACH', 'away'));
    await system.control.clearExcludedRank(1);
    expect((await system.control.getPool('p')).map.version).toBe(3);
  });
});
