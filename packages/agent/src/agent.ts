// The agent of a client host: passes the requests of programs on to the control service, and says
// who their users are.
//
// Life cycle: start → serve → close, which waits for requests under way.
// Invariant:  who a caller is comes from the kernel alone, at the moment it connects.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import {
  ControlHosts,
  CREDENTIAL_HEADER,
  CREDENTIAL_LIFE_MS,
  errorBodyOf,
  httpStatusOf,
  signCredential,
  VERSION_HEADER,
  type HostAnswer,
} from '@daos/control/client';
import type { Certificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import { AccountNames } from './account-names.js';
import { peerCredentialsOf, type PeerCredentials } from './peer-credentials.js';

const REQUEST_SIZE_MAX = 1 << 20;
const REQUEST_TIMEOUT_MS = 30_000;
const CONTROL_TIMEOUT_MS = 60_000;
/** All that is passed on of what a caller sends, besides method, path and body. */
const HEADERS = ['content-type', 'idempotency-key', 'prefer'];
/** Every user of the host may connect. */
const SOCKET_MODE = 0o666;

export interface AgentOptions {
  /** Unix socket to listen at; one that nobody listens at any more is replaced. */
  readonly socketPath: string;
  /** Of the control hosts. */
  readonly urls: readonly string[];
  /** Of the role `agent`. */
  readonly certificates: Certificates;
  readonly wallMs?: () => number;
}

export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #hosts: ControlHosts;
  readonly #names = new AccountNames();
  readonly #peers = new WeakMap<Socket, Promise<PeerCredentials>>();
  readonly #server: Server;

  /** DER_BUSY when another agent listens there. */
  static async start(options: AgentOptions): Promise<Agent> {
    await removeStale(options.socketPath);
    const agent = new Agent(options);
    await agent.#listen();
    return agent;
  }

  private constructor(options: AgentOptions) {
    this.#options = options;
    this.#hosts = new ControlHosts({
      urls: options.urls,
      timeoutMs: CONTROL_TIMEOUT_MS,
      certificates: options.certificates,
    });
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on('connection', (socket: Socket) => {
      const peer = peerCredentialsOf(socket);
      // What went wrong is told to the request that needs it.
      peer.catch(() => {});
      this.#peers.set(socket, peer);
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen(): Promise<void> {
    const { socketPath } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new DaosError('DER_INVAL', `cannot listen at ${socketPath}: ${error.message}`)),
      );
      this.#server.listen(socketPath, resolve);
    });
    chmodSync(socketPath, SOCKET_MODE);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { body, version, isUnderWay = false } = await this.#answer(request);
      if (version !== undefined) response.setHeader(VERSION_HEADER, version);
      send(response, isUnderWay ? 202 : 200, body);
    } catch (error) {
      const known = DaosError.is(error) ? error : new DaosError('DER_MISC', 'the agent failed');
      send(response, httpStatusOf(known.code), errorBodyOf(known));
    }
  }

  async #answer(request: IncomingMessage): Promise<HostAnswer> {
    const path = request.url ?? '';
    if (!path.startsWith('/v1/')) throw new DaosError('DER_NONEXIST', `there is no ${path}`);
    const credential = await this.#credentialOf(request.socket);
    const passed = HEADERS.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    const body = await readBody(request);
    return await this.#hosts.send(path, {
      method: request.method ?? 'GET',
      headers: { ...Object.fromEntries(passed), [CREDENTIAL_HEADER]: credential },
      ...(body !== '' && { body }),
    });
  }

  async #credentialOf(socket: Socket): Promise<string> {
    const peer = await this.#peers.get(socket);
    if (!peer) throw new DaosError('DER_NO_PERM', 'nobody knows who is at the other end');
    const groups = [...new Set([peer.gid, ...peer.groups])];
    const nowMs = (this.#options.wallMs ?? Date.now)();
    const claims = {
      version: 1 as const,
      flavor: 'AUTH_SYS' as const,
      uid: peer.uid,
      gid: peer.gid,
      user: `${await this.#names.user(peer.uid)}@`,
      groups: await Promise.all(groups.map(async (gid) => `${await this.#names.group(gid)}@`)),
      host: hostname(),
      issuedMs: nowMs,
      expiresMs: nowMs + CREDENTIAL_LIFE_MS,
    };
    return signCredential(claims, this.#options.certificates);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > REQUEST_SIZE_MAX) throw new DaosError('DER_OVERFLOW', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The socket of an agent that was killed stays behind. */
async function removeStale(socketPath: string): Promise<void> {
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES'));
  });
  if (isServed) {
    const action = 'use it, or stop it, or give another socket';
    throw new DaosError('DER_BUSY', `an agent listens at ${socketPath} already`, { action });
  }
  rmSync(socketPath, { force: true });
}
