// Pools and containers told by one process to others, without a control service: how workers and
// programs of the same host share an embedded system.
import {
  DaosError,
  type ContainerDescription,
  type OpenedContainer,
  type PoolDescription,
  type PoolDirectory,
  type SnapshotDescription,
} from '@daos/model';
import { defineService, RpcEndpoint, type RpcClient } from '@daos/rpc';
import * as z from 'zod';

const targetSchema = z.object({
  index: z.int().min(0),
  state: z.enum(['new', 'up', 'drain', 'down', 'excluded']),
  addresses: z.array(
    z.object({ transport: z.enum(['tcp', 'shm', 'verbs', 'local']), address: z.string() }),
  ),
});
const rankSchema = z.object({
  rank: z.int().min(0),
  state: z.enum(['starting', 'joined', 'suspect', 'excluded', 'stopped', 'errored']),
  incarnation: z.int().min(0),
  faultDomain: z.string(),
  targets: z.array(targetSchema),
});
const poolSchema = z.object({
  uuid: z.uuid(),
  label: z.string(),
  map: z.object({ version: z.int().min(0), ranks: z.array(rankSchema) }),
});
const containerSchema = z.object({
  uuid: z.uuid(),
  label: z.string(),
  poolUuid: z.uuid(),
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

/** What a PoolDirectory answers, as a service. */
export const poolDirectoryService = defineService('pool-directory', {
  getPool: {
    opcode: 0x8000,
    request: z.object({ pool: z.string() }),
    response: poolSchema,
    modifies: false,
  },
  getContainer: {
    opcode: 0x8001,
    request: z.object({ pool: z.string(), container: z.string() }),
    response: containerSchema,
    modifies: false,
  },
  getSnapshot: {
    opcode: 0x8003,
    request: z.object({ pool: z.string(), container: z.string(), snapshot: z.string() }),
    response: z.object({
      epoch: z.string(),
      name: z.string().optional(),
      createdMs: z.number(),
    }),
    modifies: false,
  },
  openContainer: {
    opcode: 0x8002,
    request: z.object({ pool: z.string(), container: z.string(), readOnly: z.boolean() }),
    response: containerSchema.extend({
      capability: z.string(),
      capabilityLifeMs: z.number().optional(),
    }),
    modifies: false,
  },
});

/**
 * Tells what `directory` knows to clients that connect with `endpoint.addresses` as their control.
 * Who can reach the endpoint may ask, and open what the directory opens: over shm these are the
 * processes of the same user. The endpoint is the caller's to close.
 */
export async function servePoolDirectory(
  endpoint: RpcEndpoint,
  directory: PoolDirectory,
): Promise<void> {
  await endpoint.serve(poolDirectoryService, {
    getPool: async ({ pool }, { signal }) => copyOf(await directory.getPool(pool, signal)),
    getContainer: async ({ pool, container }, { signal }) =>
      await directory.getContainer(pool, container, signal),
    getSnapshot: async ({ pool, container, snapshot }, { signal }) => {
      if (directory.getSnapshot) {
        return await directory.getSnapshot(pool, container, snapshot, signal);
      }
      throw new DaosError('DER_NOSYS', 'this directory of pools knows no snapshots by name');
    },
    openContainer: async ({ pool, container, readOnly }, { signal }) =>
      directory.openContainer
        ? await directory.openContainer(pool, container, { readOnly, signal })
        : { ...(await directory.getContainer(pool, container, signal)), capability: '' },
  });
}

/** Asks the endpoint at `addresses`, as servePoolDirectory serves it. */
export class RpcPoolDirectory implements PoolDirectory, AsyncDisposable {
  readonly #endpoint: RpcEndpoint;
  readonly #client: RpcClient<typeof poolDirectoryService.methods>;

  private constructor(
    endpoint: RpcEndpoint,
    client: RpcClient<typeof poolDirectoryService.methods>,
  ) {
    this.#endpoint = endpoint;
    this.#client = client;
  }

  /** Nothing is sent yet. @throws DaosError DER_NOSYS without the transports that it takes. */
  static async connect(addresses: string): Promise<RpcPoolDirectory> {
    const transports = (['shm', 'tcp'] as const).filter((name) => addresses.includes(`${name}:`));
    const endpoint = await RpcEndpoint.open({ transports, spinMicroseconds: 0 });
    return new RpcPoolDirectory(endpoint, await endpoint.connect(poolDirectoryService, addresses));
  }

  /** A pool with its map. @throws DaosError DER_NONEXIST, DER_UNREACH, DER_TIMEDOUT. */
  async getPool(pool: string, signal?: AbortSignal): Promise<PoolDescription> {
    return await this.#client.call('getPool', { pool }, signal && { signal });
  }

  /** A container of a pool. @throws DaosError DER_NONEXIST, DER_UNREACH, DER_TIMEDOUT. */
  async getContainer(
    pool: string,
    container: string,
    signal?: AbortSignal,
  ): Promise<ContainerDescription> {
    return await this.#client.call('getContainer', { pool, container }, signal && { signal });
  }

  /** The same with what engines want to see. @throws DaosError DER_NO_PERM, and as getContainer. */
  async openContainer(
    pool: string,
    container: string,
    { readOnly, signal }: { readOnly: boolean; signal?: AbortSignal },
  ): Promise<OpenedContainer> {
    const request = { pool, container, readOnly };
    return await this.#client.call('openContainer', request, signal && { signal });
  }

  /** A snapshot of a container. @throws DaosError as getContainer, and DER_NOSYS. */
  async getSnapshot(
    pool: string,
    container: string,
    snapshot: string,
    signal?: AbortSignal,
  ): Promise<SnapshotDescription> {
    const request = { pool, container, snapshot };
    return await this.#client.call('getSnapshot', request, signal && { signal });
  }

  /** Ends the endpoint that it asks through. */
  async close(): Promise<void> {
    await this.#endpoint.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What is read only may not be changed by the schema's types either. */
function copyOf({ uuid, label, map }: PoolDescription): z.input<typeof poolSchema> {
  return { uuid, label, map: structuredClone(map) as z.input<typeof poolSchema>['map'] };
}
