// The calling side of a service.
import { DaosError, type DaosErrorCode } from '@daos/model';
import { AnswerReader, type Decode, type Handle } from '@daos/native';
import type { RpcAddon } from './binding.js';
import { decodeBody, decodeDetails, encodeBody } from './body.js';
import { RemoteError } from './remote-error.js';
import type { CheckedResponseOf, Method, Methods, RequestOf, Service } from './service.js';

export interface CallOptions {
  /** Deadline, retries included. Default: the endpoint's. */
  timeoutMs?: number;
  /**
   * Gives the call up, and tells the server. The promise is rejected with the signal's reason once
   * the memory it borrowed is free again.
   */
  signal?: AbortSignal;
}

export interface TransferOptions extends CallOptions {
  /** Payload for the server, which reads it as it likes; in pieces, without a copy. */
  data?: Uint8Array | readonly Uint8Array[];
  /** Room for payload from the server, in pieces; filled without a copy where RMA works. */
  into?: Uint8Array | readonly Uint8Array[];
}

/** The answer to a call with payload. */
export interface Transferred<T> {
  response: T;
  /** Bytes of `into` that the server filled, from its start. */
  dataSize: number;
}

const NS_PER_MS = 1_000_000;

/**
 * Calls the methods of a service at one peer, made by RpcEndpoint.connect. Memory given to a call
 * belongs to it until its promise is settled.
 *
 * Every call may fail with what the handler threw, or with DER_TIMEDOUT, DER_CANCELED, DER_UNREACH
 * (the peer is gone, and the method may or may not have run), DER_BUSY, DER_NOSYS (no such method
 * there), DER_INVAL (a request that the schema refuses, here or there), DER_PROTO (a response that
 * it refuses), DER_SHUTDOWN, and DER_NO_HDL after the endpoint was closed.
 */
export class RpcClient<M extends Methods> {
  readonly service: Service<M>;
  readonly #addon: RpcAddon;
  readonly #handle: Handle;
  readonly #peer: number;

  constructor(addon: RpcAddon, handle: Handle, peer: number, service: Service<M>) {
    this.#addon = addon;
    this.#handle = handle;
    this.#peer = peer;
    this.service = service;
  }

  /** Calls a method without payload. */
  async call<K extends keyof M & string>(
    method: K,
    request: RequestOf<M[K]>,
    options: CallOptions = {},
  ): Promise<CheckedResponseOf<M[K]>> {
    return (await this.transfer(method, request, options)).response;
  }

  /** Calls a method with payload one way or both. */
  async transfer<K extends keyof M & string>(
    method: K,
    request: RequestOf<M[K]>,
    { timeoutMs = 0, signal, data, into }: TransferOptions = {},
  ): Promise<Transferred<CheckedResponseOf<M[K]>>> {
    const { opcode, request: schema, modifies = true } = this.#methodOf(method);
    const name = `${this.service.name}.${method}`;
    const body = encodeBody(schema, request, `the request of ${name}`);
    const sources = piecesOf(data);
    const { operations, binding } = this.#addon;
    const command = operations.command.begin().u32(this.#peer).u32(opcode).boolean(modifies);
    command.u64(Math.round(timeoutMs * NS_PER_MS)).bytes(body).u32(sources.length);
    const memory = [...sources, ...piecesOf(into)];
    const reply = await operations.run(binding.rpcCall, this.#handle, asReply, memory, signal);
    const response = decodeBody(
      this.#methodOf(method).response,
      reply.body,
      `the response of ${name}`,
      'DER_PROTO',
    ) as CheckedResponseOf<M[K]>;
    return { response, dataSize: reply.dataSize };
  }

  #methodOf(name: string): Method {
    const method = this.service.methods[name];
    if (method !== undefined) return method;
    throw new DaosError('DER_NOSYS', `service ${this.service.name} has no method '${name}'`);
  }
}

function piecesOf(memory: Uint8Array | readonly Uint8Array[] | undefined): readonly Uint8Array[] {
  if (memory === undefined) return [];
  return memory instanceof Uint8Array ? [memory] : memory;
}

const asReply: Decode<{ dataSize: number; body: Uint8Array }> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  if (answer.u8() === 0) return { dataSize: answer.size(), body: answer.bytes() };
  const code = answer.text() as DaosErrorCode;
  throw new RemoteError(code, answer.text(), decodeDetails(answer.bytes()));
};
