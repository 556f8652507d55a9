// Finds pools and containers at a control service.
import { request } from 'node:http';
import { hostname } from 'node:os';
import {
  DaosError,
  ERRORS,
  type ContainerDescription,
  type DaosErrorCode,
  type OpenedContainer,
  type PoolDescription,
  type PoolDirectory,
  type SnapshotDescription,
} from '@daos/model';
import { traceHeaders } from './tracing.js';

const TIMEOUT_MS = 30_000;
const UNIX_PREFIX = 'unix:';
/** Which machine opens something, for `dmg system cleanup`; an agent has the last word. */
const MACHINE_HEADER = 'daos-machine';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the control service at `url`, such as `http://127.0.0.1:10001`, or through the agent of this
 * host at a unix socket, such as `unix:/run/daos/agent.sock`, which says who the user is.
 */
export class HttpPoolDirectory implements PoolDirectory {
  readonly #url: string;

  constructor(url: string | URL) {
    this.#url = String(url).replace(/\/+$/, '');
  }

  /** A pool with its map. @throws DaosError DER_NONEXIST, DER_UNREACH, DER_TIMEDOUT. */
  getPool(pool: string, signal?: AbortSignal): Promise<PoolDescription> {
    return this.#get(`/v1/pools/${encodeURIComponent(pool)}`, signal);
  }

  /** A container of a pool. @throws DaosError DER_NONEXIST, DER_UNREACH, DER_TIMEDOUT. */
  getContainer(
    pool: string,
    container: string,
    signal?: AbortSignal,
  ): Promise<ContainerDescription> {
    return this.#get(containerPath(pool, container), signal);
  }

  /** The same with what engines want to see. @throws DaosError DER_NO_PERM, and as getContainer. */
  openContainer(
    pool: string,
    container: string,
    { readOnly, signal }: { readOnly: boolean; signal?: AbortSignal },
  ): Promise<OpenedContainer> {
    return this.#get(`${containerPath(pool, container)}/capability?readOnly=${readOnly}`, signal);
  }

  /** A snapshot of a container. @throws DaosError as getContainer. */
  getSnapshot(
    pool: string,
    container: string,
    snapshot: string,
    signal?: AbortSignal,
  ): Promise<SnapshotDescription> {
    const name = encodeURIComponent(snapshot);
    return this.#get(`${containerPath(pool, container)}/snapshots/${name}`, signal);
  }

  /** By which engines reach this host. @throws DaosError as getPool. */
  async localAddress(): Promise<string> {
    return (await this.#get<{ address: string }>('/v1/caller/address')).address;
  }

  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    let answer: Answer;
    try {
      answer = this.#url.startsWith(UNIX_PREFIX)
        ? await getByAgent(this.#url.slice(UNIX_PREFIX.length), path, ends)
        : await getByUrl(this.#url + path, ends);
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(this.#url, error);
    }
    if (answer.status === 200) return answer.body as T;
    throw toError(this.#url + path, answer.status, answer.body);
  }
}

function containerPath(pool: string, container: string): string {
  return `/v1/pools/${encodeURIComponent(pool)}/containers/${encodeURIComponent(container)}`;
}

function requestHeaders(): Record<string, string> {
  return { ...traceHeaders(), [MACHINE_HEADER]: encodeURIComponent(hostname()) };
}

async function getByUrl(url: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, { signal, headers: requestHeaders() });
  return { status: response.status, body: await response.json() };
}

function getByAgent(socketPath: string, path: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = requestHeaders();
    const sent = request({ socketPath, path, signal, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
          resolve({ status: response.statusCode ?? 0, body });
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    sent.end();
  });
}

function unreachable(url: string, error: unknown): DaosError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const message = `the control service at ${url} did not answer within ${TIMEOUT_MS / 1000} s`;
    return new DaosError('DER_TIMEDOUT', message, { cause: error });
  }
  return new DaosError('DER_UNREACH', `no control service at ${url}`, { cause: error });
}

function toError(url: string, status: number, body: unknown): DaosError {
  const { error } = (body ?? {}) as { error?: { code?: string; message?: string } };
  if (error?.code !== undefined && error.code in ERRORS) {
    return new DaosError(error.code as DaosErrorCode, error.message);
  }
  return new DaosError('DER_PROTO', `${url} answered ${status}, which is not a DAOS answer`);
}
