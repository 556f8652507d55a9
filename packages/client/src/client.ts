// The client of a process or worker: one core thread, from which everything else is opened.
import { DaosError, type PoolDirectory, type TransportName } from '@daos/model';
import type { Tracer } from '@opentelemetry/api';
import { asNothing, asNumber, type Handle, type LocalNetwork } from '@daos/native';
import { loadClient, type ClientAddon } from './binding.js';
import { HttpPoolDirectory } from './pool-directory.js';
import type { Container, SharedContainer } from './container.js';
import { Pool, type SharedPool } from './pool.js';
import { inSpan, tracedAddon } from './tracing.js';

export interface ClientOptions {
  /**
   * Where pools are found: the URL of a control service; the addresses of an endpoint that serves
   * a directory (`shm://…`, `tcp://…`; see servePoolDirectory); or something that knows them
   * itself.
   */
  control: string | URL | PoolDirectory;
  /**
   * How engines are reached, in order of preference. Default: shm (on the same host), then tcp.
   * 'local' needs `network`.
   */
  transports?: readonly TransportName[];
  /** Numeric address of the interface for tcp and verbs. Default: by which the system sees us. */
  address?: string;
  /**
   * How long, in microseconds, this thread looks for answers itself, and how long the idle core
   * thread does, before they block. Default 20; 0 saves the most CPU. Of several clients of a
   * thread, the longest counts for the thread.
   */
  spinMicroseconds?: number;
  /** Pins the core thread to this CPU, and leaves all work to it. Default: not pinned. */
  pinCore?: number;
  /** Deadline of operations that name none, retries included. Default 10,000. */
  timeoutMs?: number;
  /** For the transport 'local'. */
  network?: LocalNetwork;
  /**
   * Of OpenTelemetry: every call becomes a span, with what it moved and how it failed. Default:
   * nothing is traced. A control service is told of the active span in any case.
   */
  tracer?: Tracer;
  /** Gives the start up; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface OpenOptions {
  /** Gives the opening up; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

const NO_HANDLE: Handle = 0;
const NO_CORE = 0xffff_ffff;
const NS_PER_MICROSECOND = 1000;
const NS_PER_MS = 1_000_000;

/**
 * A connection to a DAOS system. It owns a thread that moves the data; closing it ends operations
 * in flight with DER_SHUTDOWN or their result.
 */
export class Client implements AsyncDisposable {
  readonly #addon: ClientAddon;
  readonly #handle: Handle;
  readonly #directory: PoolDirectory;
  readonly #release: () => Promise<void>;
  readonly #pools = new Set<Pool>();
  readonly #tracer: Tracer | undefined;

  private constructor(
    { addon, tracer }: { addon: ClientAddon; tracer: Tracer | undefined },
    handle: Handle,
    { directory, release }: ChosenDirectory,
  ) {
    this.#addon = addon;
    this.#tracer = tracer;
    this.#handle = handle;
    this.#directory = directory;
    this.#release = release;
  }

  /**
   * Starts the core thread. Asks the control service at most for the address of this host: that it
   * is absent shows when a pool is opened.
   * @throws DaosError DER_INVAL for an unknown transport or address, DER_NOSYS for one that this
   * host does not have.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const { transports = ['shm', 'tcp'], spinMicroseconds = 20, signal } = options;
    signal?.throwIfAborted();
    const plain = loadClient();
    const { tracer } = options;
    const addon = tracer ? tracedAddon(plain, tracer) : plain;
    const directory = await chooseDirectory(options.control);
    const address = options.address ?? (await addressFor(transports, directory));
    const command = addon.operations.command.begin().u32(transports.length);
    for (const transport of transports) command.text(transport);
    command.text(address).u64(options.network?.handle ?? NO_HANDLE);
    command.u64(spinMicroseconds * NS_PER_MICROSECOND).u32(options.pinCore ?? NO_CORE);
    command.u64((options.timeoutMs ?? 10_000) * NS_PER_MS);
    const opening = addon.operations.run(addon.binding.clientOpen, NO_HANDLE, asNumber);
    const { operations } = plain;
    if (options.pinCore === undefined && operations.spinMicroseconds < spinMicroseconds) {
      operations.spinMicroseconds = spinMicroseconds;
    }
    const handle = await opening.catch(async (error: unknown) => {
      await directory.release();
      throw error;
    });
    const client = new Client({ addon, tracer }, handle, directory);
    if (signal?.aborted === true) await client.close();
    signal?.throwIfAborted();
    return client;
  }

  /**
   * Opens a pool by label or UUID.
   * @throws DaosError DER_NONEXIST; DER_UNREACH without a control service; DER_INVAL when no target
   * of the pool can be reached by the transports of this client.
   */
  async openPool(pool: string, { signal }: OpenOptions = {}): Promise<Pool> {
    if (pool === '') throw new DaosError('DER_INVAL', 'a pool has a label or UUID');
    signal?.throwIfAborted();
    return await inSpan(this.#tracer, 'daos.openPool', async () => {
      const description = await this.#directory.getPool(pool, signal);
      return await this.attachPool(description, signal && { signal });
    });
  }

  /**
   * Opens a pool that another process or worker has shared by Pool.share, without asking the
   * control service.
   * @throws DaosError DER_INVAL when no target of the pool can be reached by the transports of this
   * client.
   */
  async attachPool(shared: SharedPool, { signal }: OpenOptions = {}): Promise<Pool> {
    const owner = {
      addon: this.#addon,
      client: this.#handle,
      directory: this.#directory,
      pools: this.#pools,
      tracer: this.#tracer,
    };
    return await Pool.attach(owner, shared, signal);
  }

  /**
   * Opens a container that another process or worker has shared by Container.share, with its pool.
   * @throws DaosError as attachPool and Pool.openContainer.
   */
  async attachContainer(shared: SharedContainer, options: OpenOptions = {}): Promise<Container> {
    const { pool: sharedPool, container, ...how } = shared;
    const pool = await this.attachPool(sharedPool, options);
    try {
      return await pool.attachContainer(container, { ...how, ...options });
    } finally {
      // The container keeps what it needs of it.
      await pool.close();
    }
  }

  /** Ends the core thread. Pools and containers opened through it are of no use afterwards. */
  async close(): Promise<void> {
    for (const pool of this.#pools) pool.abandon();
    this.#pools.clear();
    const { operations, binding } = this.#addon;
    operations.command.begin();
    await operations.run(binding.clientClose, this.#handle, asNothing);
    await this.#release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const LOOPBACK = '127.0.0.1';

/** Where engines reach us; a system whose control service is away is not reached anyhow. */
async function addressFor(
  transports: readonly TransportName[],
  { directory }: ChosenDirectory,
): Promise<string> {
  if (!transports.includes('tcp') && !transports.includes('verbs')) return LOOPBACK;
  return (await directory.localAddress?.().catch(() => LOOPBACK)) ?? LOOPBACK;
}

interface ChosenDirectory {
  directory: PoolDirectory;
  /** Gives back what was made for it. */
  release: () => Promise<void>;
}

async function chooseDirectory(control: string | URL | PoolDirectory): Promise<ChosenDirectory> {
  const release = async (): Promise<void> => {};
  if (typeof control !== 'string' && !(control instanceof URL)) {
    return { directory: control, release };
  }
  const address = String(control);
  if (/^(https?|unix):/.test(address)) {
    return { directory: new HttpPoolDirectory(address), release };
  }
  // Loaded for those alone that need it: with its schemas it is most of what there is to load.
  const { RpcPoolDirectory } = await import('./rpc-pool-directory.js');
  const directory = await RpcPoolDirectory.connect(address);
  return { directory, release: () => directory.close() };
}
