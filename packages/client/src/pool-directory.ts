// Finds pools and containers at a control service.
import {
  DaosError,
  ERRORS,
  type ContainerDescription,
  type DaosErrorCode,
  type PoolDescription,
  type PoolDirectory,
} from '@daos/model';

const TIMEOUT_MS = 30_000;

/** Asks the control service at `url`, such as `http://127.0.0.1:10001`. */
export class HttpPoolDirectory implements PoolDirectory {
  readonly #url: string;

  constructor(url: string | URL) {
    this.#url = String(url).replace(/\/+$/, '');
  }

  getPool(pool: string): Promise<PoolDescription> {
    return this.#get(`/v1/pools/${encodeURIComponent(pool)}`);
  }

  getContainer(pool: string, container: string): Promise<ContainerDescription> {
    const path = `/v1/pools/${encodeURIComponent(pool)}/containers/`;
    return this.#get(path + encodeURIComponent(container));
  }

  async #get<T>(path: string): Promise<T> {
    const url = this.#url + path;
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      body = await response.json();
    } catch (error) {
      throw unreachable(this.#url, error);
    }
    if (response.ok) return body as T;
    throw toError(url, response.status, body);
  }
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
