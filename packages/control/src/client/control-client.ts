// Calls the control service with the types of its routes.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DaosError, type PoolDirectory } from '@daos/model';
import type * as z from 'zod';
import { ROUTE_LINES, type RouteLine } from '../api/route-lines.js';
import type { ROUTES } from '../api/routes.js';
import { MACHINE_HEADER } from '../security/caller.js';
import { CREDENTIAL_HEADER } from '../security/credential.js';
import type { EngineCommand } from '../service/control-service.js';
import type { ReportProgress, WorkProgress } from '../work-progress.js';
import type { Certificates } from '../service/service-tls.js';
import { CONTROL_VERSION } from '../version.js';
import { ControlHosts, type HostAnswer } from './control-hosts.js';
import type { HttpRequest } from './send-http.js';

type Input<R, Part extends 'params' | 'query' | 'body'> =
  R extends Record<Part, infer S extends z.ZodType> ? z.input<S> : never;
type Output<R> = R extends { response: infer S extends z.ZodType } ? z.output<S> : never;
type RouteName = keyof typeof ROUTES;

export interface CallOptions<N extends RouteName> {
  readonly params?: Input<(typeof ROUTES)[N], 'params'>;
  readonly query?: Record<string, string>;
  readonly body?: Input<(typeof ROUTES)[N], 'body'>;
}

export interface ControlClientOptions {
  /**
   * As `http://127.0.0.1:10001`; several control hosts with commas between them.
   * Or the agent of this host, as `unix:/run/daos/agent.sock`, which says who the user is.
   */
  readonly url: string;
  readonly timeoutMs?: number;
  /** For a service with certificates: what this caller shows and whom it believes. */
  readonly certificates?: Certificates;
  /** What an agent said about the user, for who has a certificate and speaks for a user. */
  readonly credential?: string;
  /** Which machine opens what is opened; default: this one. An agent has the last word. */
  readonly machine?: string;
  /** Hears how far work is that takes longer than a request. */
  readonly onProgress?: ReportProgress;
}

const TIMEOUT_MS_DEFAULT = 60_000;
/** So long a change waits at a time; then the service says how far it is. */
const WAIT_SECONDS = 2;

export class ControlClient implements PoolDirectory {
  readonly url: string;
  readonly #hosts: ControlHosts;
  readonly #credential: string | undefined;
  readonly #machine: string;
  readonly #onProgress: ReportProgress | undefined;

  constructor(options: ControlClientOptions) {
    this.url = options.url;
    this.#credential = options.credential;
    this.#machine = encodeURIComponent(options.machine ?? hostname());
    this.#onProgress = options.onProgress;
    this.#hosts = new ControlHosts({
      urls: options.url.split(',').map(checkedUrl),
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
      certificates: options.certificates,
    });
  }

  getPool(pool: string): Promise<Output<typeof ROUTES.getPool>> {
    return this.call('getPool', { params: { pool } });
  }

  getContainer(pool: string, container: string): Promise<Output<typeof ROUTES.getContainer>> {
    return this.call('getContainer', { params: { pool, container } });
  }

  openContainer(
    pool: string,
    container: string,
    { readOnly }: { readOnly: boolean },
  ): Promise<Output<typeof ROUTES.openContainer>> {
    const params = { pool, container };
    return this.call('openContainer', { params, query: { readOnly: String(readOnly) } });
  }

  getSnapshot(
    pool: string,
    container: string,
    snapshot: string,
  ): Promise<Output<typeof ROUTES.getSnapshot>> {
    return this.call('getSnapshot', { params: { pool, container, snapshot } });
  }

  /** By which engines reach this host. */
  async localAddress(): Promise<string> {
    return (await this.call('getCallerAddress')).address;
  }

  /** Fails with the service's own error, or DER_UNREACH when there is no service. */
  async call<N extends RouteName>(
    name: N,
    options: CallOptions<N> = {},
  ): Promise<Output<(typeof ROUTES)[N]>> {
    const route: RouteLine = ROUTE_LINES[name];
    const request = requestOf(route, options, {
      [MACHINE_HEADER]: this.#machine,
      ...(this.#credential !== undefined && { [CREDENTIAL_HEADER]: this.#credential }),
    });
    const answer = await this.#sendToEnd(pathOf(route, options), request);
    return (await checked(name, answer)) as Output<(typeof ROUTES)[N]>;
  }

  /** However long it takes: the service is asked again while it says that the work goes on. */
  async #sendToEnd(path: string, request: HttpRequest): Promise<HostAnswer> {
    let answer = await this.#hosts.send(path, request);
    while (answer.isUnderWay) {
      const { progress } = answer.body as { progress?: WorkProgress };
      if (progress) this.#onProgress?.(progress);
      answer = await this.#hosts.send(path, request, true);
    }
    return answer;
  }

  /** A command to an engine of the server at the other end: for servers alone. */
  async commandEngine({ rank, method, ...body }: EngineCommand): Promise<unknown> {
    const { body: answer } = await this.#sendToEnd(`/v1/engines/${rank}/${method}`, {
      method: 'POST',
      headers: { ...keptHeaders(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer;
  }
}

/** DER_INVAL for what no control service can be reached by. */
function checkedUrl(text: string): string {
  const url = text.trim().replace(/\/+$/, '');
  if (/^unix:./.test(url) || (/^https?:\/\//.test(url) && URL.canParse(url))) return url;
  throw new DaosError('DER_INVAL', `'${text.trim()}' is no address of a control service`, {
    action: `give one as http://127.0.0.1:10001, https://HOST:PORT or unix:/run/daos/agent.sock`,
  });
}

/**
 * A service of our own version has checked its answer by the schemas that we have; they are loaded,
 * which takes longer than most requests, only for an answer of another one.
 */
async function checked(name: RouteName, { body, version }: HostAnswer): Promise<unknown> {
  if (version === CONTROL_VERSION) return body;
  const { ROUTES } = await import('../api/routes.js');
  return ROUTES[name].response.parse(body);
}

function pathOf(route: RouteLine, { params, query }: CallOptions<RouteName>): string {
  const values = (params ?? {}) as Record<string, unknown>;
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values[name] ?? '')),
  );
  return query ? `${path}?${new URLSearchParams(query)}` : path;
}

/** Of a request that is carried out once, however often it is sent. */
function keptHeaders(): Record<string, string> {
  return { 'idempotency-key': randomUUID(), prefer: `wait=${WAIT_SECONDS}` };
}

function requestOf(
  route: RouteLine,
  options: CallOptions<RouteName>,
  who: Record<string, string>,
): HttpRequest {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const isKept = route.method !== 'GET' && !route.isRoutine;
  return {
    method: route.method,
    headers: {
      ...(isKept && keptHeaders()),
      ...who,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  };
}
