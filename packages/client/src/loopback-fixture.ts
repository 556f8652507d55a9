// A whole system in this process for tests: one engine, one pool, one container, and a client.
import {
  DaosError,
  type ContainerDescription,
  type PoolDescription,
  type PoolDirectory,
  type TransportName,
} from '@daos/model';
import { LocalNetwork, startEngine, type Engine } from '@daos/native';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Client, type ClientOptions } from './client.js';
import type { Container } from './container.js';
import type { Pool } from './pool.js';

/** Knows one pool and one container by UUID, straight from the engine. */
class EngineDirectory implements PoolDirectory {
  readonly poolUuid = randomUUID();
  readonly containerUuid = randomUUID();
  version = 1;
  properties: ContainerDescription['properties'] = {};

  constructor(readonly engine: Engine) {}

  async getPool(pool: string): Promise<PoolDescription> {
    if (pool !== this.poolUuid) throw new DaosError('DER_NONEXIST', `no pool '${pool}'`);
    const targets = (await this.engine.addresses()).map((addresses, index) => {
      return { index, state: 'up' as const, addresses };
    });
    const rank = {
      rank: 0,
      state: 'joined' as const,
      incarnation: 1,
      faultDomain: '/host',
      targets,
    };
    return { uuid: pool, label: 'pool', map: { version: this.version, ranks: [rank] } };
  }

  async getContainer(pool: string, container: string): Promise<ContainerDescription> {
    if (container !== this.containerUuid) {
      throw new DaosError('DER_NONEXIST', `no container '${container}'`);
    }
    return { uuid: container, label: 'container', poolUuid: pool, properties: this.properties };
  }
}

export interface Loopback extends AsyncDisposable {
  engine: Engine;
  dataDirectory: string;
  directory: EngineDirectory;
  client: Client;
  pool: Pool;
  container: Container;
  /** For more clients of the same system. */
  clientOptions: ClientOptions;
}

export interface LoopbackOptions {
  transport?: TransportName;
  targetCount?: number;
  spinMicroseconds?: number;
}

export async function startLoopback({
  transport = 'local',
  targetCount = 2,
  spinMicroseconds = 0,
}: LoopbackOptions = {}): Promise<Loopback> {
  const dataDirectory = await mkdtemp('/dev/shm/daos-client-');
  const network = await LocalNetwork.create();
  const engine = await startEngine({
    rank: 0,
    dataDirectory,
    targetCount,
    transports: [transport],
    spinMicroseconds,
    network,
    store: { arena: 'pmem' },
  });
  const directory = new EngineDirectory(engine);
  await engine.createPool(directory.poolUuid, { arenaBytes: 64 << 20, dataBytes: 0 });
  await engine.createContainer(directory.poolUuid, directory.containerUuid);
  const clientOptions = { control: directory, transports: [transport], network, spinMicroseconds };
  const client = await Client.connect(clientOptions);
  const pool = await client.openPool(directory.poolUuid);
  const container = await pool.openContainer(directory.containerUuid);
  const stop = async (): Promise<void> => {
    await client.close().catch(() => undefined);
    await engine.stop().catch(() => undefined);
    await network.close();
    await rm(dataDirectory, { recursive: true });
  };
  const parts = { engine, dataDirectory, directory, client, pool, container, clientOptions };
  return { ...parts, [Symbol.asyncDispose]: stop };
}
