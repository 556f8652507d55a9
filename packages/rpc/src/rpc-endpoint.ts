// An endpoint: serves services, and calls those of others.
import { DaosError, type TransportName } from '@daos/model';
import { AnswerReader, asNothing, asNumber, type Handle, type LocalNetwork } from '@daos/native';
import { loadRpc, type RpcAddon } from './binding.js';
import { RpcClient } from './rpc-client.js';
import { RequestLoop, type Handlers } from './request-loop.js';
import type { Methods, Service } from './service.js';

export interface RpcEndpointOptions {
  /**
   * How peers are reached and reach this endpoint, in order of preference. Default: shm (on the
   * same host), then tcp. 'local' needs `network`.
   */
  transports?: readonly TransportName[];
  /** Numeric address to listen at by tcp, with a port or without. Default 127.0.0.1, any port. */
  address?: string;
  /** Deadline of calls that name none. Default 10,000. */
  timeoutMs?: number;
  /** How long the idle thread of the endpoint polls before it blocks. Default 20. */
  spinMicroseconds?: number;
  /** Requests that handlers may have at a time; more are refused with DER_BUSY. Default 16,384. */
  requestCountMax?: number;
  /** For the transport 'local'. */
  network?: LocalNetwork;
}

const NO_HANDLE: Handle = 0;
const NS_PER_MICROSECOND = 1000;
const NS_PER_MS = 1_000_000;

/**
 * Owns a thread that moves messages and payload. It serves and calls at the same time, on all its
 * transports. Serving keeps the program alive until close().
 */
export class RpcEndpoint implements AsyncDisposable {
  /** Where peers connect to: one address for each transport, separated by spaces. */
  readonly addresses: string;
  readonly #addon: RpcAddon;
  readonly #handle: Handle;
  readonly #loop: RequestLoop;
  #closing: Promise<void> | undefined;

  private constructor(addon: RpcAddon, handle: Handle, addresses: string) {
    this.#addon = addon;
    this.#handle = handle;
    this.addresses = addresses;
    this.#loop = new RequestLoop(addon, handle);
  }

  /**
   * Starts an endpoint.
   * @throws DaosError DER_INVAL for an unknown transport or address, DER_BUSY for a port that is
   * taken, DER_NOSYS for a transport that this host does not have.
   */
  static async open(options: RpcEndpointOptions = {}): Promise<RpcEndpoint> {
    const { transports = ['shm', 'tcp'], spinMicroseconds = 20, timeoutMs = 10_000 } = options;
    const addon = loadRpc();
    const { operations, binding } = addon;
    const command = operations.command.begin().u32(transports.length);
    for (const transport of transports) command.text(transport);
    command.text(options.address ?? '127.0.0.1').u64(options.network?.handle ?? NO_HANDLE);
    command.u64(spinMicroseconds * NS_PER_MICROSECOND).u64(timeoutMs * NS_PER_MS);
    command.u32(options.requestCountMax ?? 16_384);
    const handle = await operations.run(binding.rpcOpen, NO_HANDLE, asNumber);
    operations.command.begin();
    const addresses = await operations.run(binding.rpcAddresses, handle, (_low, _high, value) =>
      new AnswerReader(value as Uint8Array).text(),
    );
    return new RpcEndpoint(addon, handle, addresses);
  }

  /**
   * Answers the calls of a service from now on.
   * @throws DaosError DER_EXIST when a method's opcode is served already.
   */
  async serve<M extends Methods>(service: Service<M>, handlers: Handlers<M>): Promise<void> {
    this.#checkOpen();
    await this.#loop.serve(service, handlers);
  }

  /**
   * A caller of a service at `addresses`, as another endpoint gave them. Nothing is sent before the
   * first call; a peer that is not there shows then, as DER_UNREACH.
   */
  async connect<M extends Methods>(
    service: Service<M>,
    addresses: string,
  ): Promise<RpcClient<M>> {
    this.#checkOpen();
    const { operations, binding } = this.#addon;
    operations.command.begin().text(addresses);
    const peer = await operations.run(binding.rpcConnect, this.#handle, asNumber);
    return new RpcClient(this.#addon, this.#handle, peer, service);
  }

  /**
   * Ends calls under way and requests that have not been answered with DER_SHUTDOWN, tells all
   * peers, and ends the thread. Handlers that still run are left to end; their answers go nowhere.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { operations, binding } = this.#addon;
    this.#loop.stop();
    operations.command.begin();
    await operations.run(binding.rpcClose, this.#handle, asNothing);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new DaosError('DER_NO_HDL', 'the endpoint is closed');
  }
}
