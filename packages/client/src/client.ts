// The client of a process or worker: one core thread, from which everything else is opened.
import { DaosError, type PoolDirectory, type TransportName } from '@daos/model';
import { asNothing, asNumber, type Handle, type LocalNetwork } from '@daos/native';
import { loadClient, type ClientAddon } from './binding.js';
import { HttpPoolDirectory } from './pool-directory.js';
import { Pool } from './pool.js';

export interface ClientOptions {
  /** Where pools are found: the URL of a control service, or something that knows them itself. */
  control: string | URL | PoolDirectory;
  /**
   * How engines are reached, in order of preference. Default: shm (on the same host), then tcp.
   * 'local' needs `network`.
   */
  transports?: readonly TransportName[];
  /** Numeric address of the interface for tcp and verbs. Default 127.0.0.1. */
  address?: string;
  /** How long the idle core thread polls before it blocks. Default 20; 0 saves the most CPU. */
  spinMicroseconds?: number;
  /** Pins the core thread to this CPU. Default: not pinned. */
  pinCore?: number;
  /** Deadline of operations that name none, retries included. Default 10,000. */
  timeoutMs?: number;
  /** For the transport 'local'. */
  network?: LocalNetwork;
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

  private constructor(addon: ClientAddon, handle: Handle, directory: PoolDirectory) {
    this.#addon = addon;
    this.#handle = handle;
    this.#directory = directory;
  }

  /**
   * Starts the core thread. Nothing is sent yet: an absent control service shows when a pool is
   * opened.
   * @throws DaosError DER_INVAL for an unknown transport or address, DER_NOSYS for one that this
   * host does not have.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const { control, transports = ['shm', 'tcp'], spinMicroseconds = 20 } = options;
    const isUrl = typeof control === 'string' || control instanceof URL;
    const addon = loadClient();
    const command = addon.operations.command.begin().u32(transports.length);
    for (const transport of transports) command.text(transport);
    command.text(options.address ?? '127.0.0.1').u64(options.network?.handle ?? NO_HANDLE);
    command.u64(spinMicroseconds * NS_PER_MICROSECOND).u32(options.pinCore ?? NO_CORE);
    command.u64((options.timeoutMs ?? 10_000) * NS_PER_MS);
    const handle = await addon.operations.run(addon.binding.clientOpen, NO_HANDLE, asNumber);
    return new Client(addon, handle, isUrl ? new HttpPoolDirectory(control) : control);
  }

  /**
   * Opens a pool by label or UUID.
   * @throws DaosError DER_NONEXIST; DER_UNREACH without a control service; DER_INVAL when no target
   * of the pool can be reached by the transports of this client.
   */
  async openPool(pool: string): Promise<Pool> {
    if (pool === '') throw new DaosError('DER_INVAL', 'a pool has a label or UUID');
    return Pool.open(this.#addon, this.#handle, this.#directory, pool);
  }

  /** Ends the core thread. Pools and containers opened through it are of no use afterwards. */
  close(): Promise<void> {
    this.#addon.operations.command.begin();
    return this.#addon.operations.run(this.#addon.binding.clientClose, this.#handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
