// A whole system in this process: control logic, one engine and a client, which talk through
// memory.
//
// Life cycle: lock the directory → metadata → heal → engine → client → open; the other way round to
//             close. The directory
// is that of a server: daos-server can serve it when no program has it open.

import { hostname } from 'node:os';
import { Client, type ClientOptions, type Container, type Pool } from '@daos/client';
import { servePoolDirectory } from '@daos/client/rpc-pool-directory';
import {
  ControlPlane,
  LmdbStore,
  type CreatePoolRequest,
  type EngineControl,
  type Log,
} from '@daos/control';
import { reportRequestSpans } from '@daos/control/engine-spans';
import { DaosError } from '@daos/model';
import { LocalNetwork, startEngine } from '@daos/native';
import { RpcEndpoint } from '@daos/rpc';
import {
  DataDirectory,
  engineControlOf,
  memoryCapacityOf,
  passSpans,
  storageCapacityOf,
} from '@daos/server';

const RANK = 0;
const SYSTEM_NAME = 'daos_server';
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

export interface EmbeddedOptions {
  /** Of a new system; an old one keeps its own. Default 1. */
  readonly targetCount?: number;
  /** What pools may take; all that is free when left out. */
  readonly storageCapacityBytes?: number;
  /** What pools may take of memory; half of it when left out. */
  readonly memoryCapacityBytes?: number;
  /** How long an idle thread polls before it sleeps. Default 0: an embedded system is a guest. */
  readonly spinMicroseconds?: number;
  /**
   * How long every version of what is stored stays readable; of what is older only what is newest
   * or a snapshot sees stays. 0: all stays for ever, and overwriting fills the pool. Default 300.
   */
  readonly historySeconds?: number;
  /**
   * Whether workers and other processes of this host may use the system as well, through shared
   * memory; see EmbeddedSystem.address. Default false: nothing listens.
   */
  readonly isShared?: boolean;
  readonly log?: Log;
  /**
   * Of OpenTelemetry: every call of the system's client becomes a span, and what the engine did for
   * it, stage by stage, those beneath it. Default: nothing is traced.
   */
  readonly tracer?: NonNullable<ClientOptions['tracer']>;
}

export class EmbeddedSystem implements AsyncDisposable {
  /** Creates and destroys pools and containers, lists and queries them. */
  readonly control: ControlPlane;
  readonly client: Client;
  /**
   * What a client in a worker or another process of this host takes as its `control`; undefined
   * unless the system is shared.
   */
  readonly address: string | undefined;
  readonly #undo: readonly (() => unknown)[];

  private constructor({ control, client, address }: Parts, undo: readonly (() => unknown)[]) {
    this.control = control;
    this.client = client;
    this.address = address;
    this.#undo = undo;
  }

  /**
   * Opens the system in `directory`, which is made when it is missing.
   * @throws DaosError DER_BUSY while another process has it open, DER_DF_INCOMPT for another format
   * version.
   */
  static async open(directory: string, options: EmbeddedOptions = {}): Promise<EmbeddedSystem> {
    const undo: (() => unknown)[] = [];
    try {
      return new EmbeddedSystem(await openAll(directory, options, undo), undo);
    } catch (error) {
      await undoAll(undo);
      throw error;
    }
  }

  /** The pool with this label; created, as large as `request` says, when there is none. */
  async openPool(
    label: string,
    request: Omit<CreatePoolRequest, 'label'> = { freePercent: 50 },
  ): Promise<Pool> {
    await existsAlready(this.control.createPool({ label, ...request }));
    return await this.client.openPool(label);
  }

  /** The container with this label in `pool`; created when there is none. */
  async openContainer(pool: Pool, label: string): Promise<Container> {
    await existsAlready(this.control.createContainer(pool.uuid, { label }));
    return await pool.openContainer(label);
  }

  /** Everything is durable and the directory free when the promise resolves. */
  async close(): Promise<void> {
    await undoAll(this.#undo as (() => unknown)[]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface Parts {
  readonly control: ControlPlane;
  readonly client: Client;
  readonly address: string | undefined;
}

/** Each step that was taken adds to `undo` what takes it back. */
async function openAll(
  directory: string,
  options: EmbeddedOptions,
  undo: (() => unknown)[],
): Promise<Parts> {
  const data = DataDirectory.open(directory, SYSTEM_NAME);
  undo.push(() => data[Symbol.dispose]());
  data.checkControlKept();
  const store = LmdbStore.open({ directory: data.controlPath });
  undo.push(() => store.close());
  let engineControl: EngineControl | undefined;
  const engineOf = () => {
    if (engineControl) return engineControl;
    throw new DaosError('DER_UNREACH', 'the engine has not started');
  };
  const control = new ControlPlane({ store, engines: { engineOf }, log: options.log ?? silent });
  const known = (await control.listRanks()).find(({ rank }) => rank === RANK);
  await control.setRankState(RANK, 'stopped');
  await control.heal();
  const targetCount = known?.targetCount ?? options.targetCount ?? 1;
  const network = await LocalNetwork.create();
  undo.push(() => network.close());
  const engine = await startEngine({
    rank: RANK,
    dataDirectory: data.enginePath(RANK),
    targetCount,
    transports: options.isShared === true ? ['local', 'shm'] : ['local'],
    network,
    spinMicroseconds: options.spinMicroseconds ?? 0,
    store: { historySeconds: options.historySeconds ?? 300 },
  });
  undo.push(() => engine.stop());
  const { tracer } = options;
  if (tracer) void passSpans(engine, ({ spans }) => void reportRequestSpans(RANK, spans, tracer));
  engineControl = engineControlOf(engine);
  await control.joinRank({
    rank: RANK,
    host: hostname(),
    faultDomain: `/${hostname()}`,
    targetCount,
    storageCapacityBytes: options.storageCapacityBytes ?? storageCapacityOf(data.path, 1),
    memoryCapacityBytes: options.memoryCapacityBytes ?? memoryCapacityOf(1),
    addresses: (await engineControl.addresses({})).targets,
  });
  const quotas = control.watchQuotas();
  undo.push(() => quotas[Symbol.dispose]());
  const client = await Client.connect({
    control,
    transports: ['local'],
    network,
    spinMicroseconds: options.spinMicroseconds ?? 0,
    ...(tracer && { tracer }),
  });
  undo.push(() => client.close());
  const address = options.isShared === true ? await share(control, undo) : undefined;
  return { control, client, address };
}

/** Tells clients of this host what pools and containers there are; returns where they ask. */
async function share(control: ControlPlane, undo: (() => unknown)[]): Promise<string> {
  const endpoint = await RpcEndpoint.open({ transports: ['shm'], spinMicroseconds: 0 });
  undo.push(() => endpoint.close());
  await servePoolDirectory(endpoint, control);
  return endpoint.addresses;
}

async function undoAll(undo: (() => unknown)[]): Promise<void> {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
}

async function existsAlready(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!DaosError.is(error, 'DER_EXIST')) throw error;
  }
}
