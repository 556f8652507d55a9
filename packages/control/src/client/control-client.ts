// Calls the control service with the types of its routes.

import { randomUUID } from 'node:crypto';
import { DaosError, type PoolDirectory } from '@daos/model';
import * as z from 'zod';
import type { Route } from '../api/route.js';
import { errorBodySchema, ROUTES } from '../api/routes.js';
import type { Certificates } from '../service/service-tls.js';
import { sendHttp, type HttpAnswer, type HttpRequest } from './send-http.js';

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
  /** As `http://127.0.0.1:10001`. */
  readonly url: string;
  readonly timeoutMs?: number;
  /** For a service with certificates: what this caller shows and whom it believes. */
  readonly certificates?: Certificates;
}

const TIMEOUT_MS_DEFAULT = 60_000;
/** A repeated request carries the same key, so that it is carried out once. */
const ATTEMPT_COUNT_MAX = 3;

export class ControlClient implements PoolDirectory {
  readonly url: string;
  readonly #timeoutMs: number;
  readonly #certificates: Certificates | undefined;

  constructor(options: ControlClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
    this.#certificates = options.certificates;
  }

  getPool(pool: string): Promise<Output<typeof ROUTES.getPool>> {
    return this.call('getPool', { params: { pool } });
  }

  getContainer(pool: string, container: string): Promise<Output<typeof ROUTES.getContainer>> {
    return this.call('getContainer', { params: { pool, container } });
  }

  /** Fails with the service's own error, or DER_UNREACH when there is no service. */
  async call<N extends RouteName>(
    name: N,
    options: CallOptions<N> = {},
  ): Promise<Output<(typeof ROUTES)[N]>> {
    const route: Route = ROUTES[name] as unknown as Route;
    const request = this.#request(route, options);
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#send(route, request)) as Output<(typeof ROUTES)[N]>;
      } catch (error) {
        const isLost = DaosError.is(error, 'DER_UNREACH') && !isRefused(error);
        if (!isLost || attempt === ATTEMPT_COUNT_MAX) throw error;
      }
    }
  }

  #request(route: Route, options: CallOptions<RouteName>): { url: string; init: HttpRequest } {
    const params = (options.params ?? {}) as Record<string, string>;
    const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? ''),
    );
    const query = options.query ? `?${new URLSearchParams(options.query)}` : '';
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    return {
      url: this.url + path + query,
      init: {
        method: route.method,
        headers: {
          ...(route.method !== 'GET' && { 'idempotency-key': randomUUID() }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      },
    };
  }

  async #send(route: Route, { url, init }: { url: string; init: HttpRequest }): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    let answer: HttpAnswer;
    try {
      answer = await sendHttp(url, { ...init, signal }, this.#certificates);
    } catch (error) {
      throw unreachable(this.url, this.#timeoutMs, error);
    }
    const body: unknown = parseJson(answer.text);
    if (answer.status === 200) return route.response.parse(body);
    const known = errorBodySchema.safeParse(body);
    if (known.success) throw new DaosError(known.data.error.code, known.data.error.message);
    throw new DaosError(
      'DER_PROTO',
      `${url} answered ${answer.status}, which is not a DAOS answer`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unreachable(url: string, timeoutMs: number, error: unknown): DaosError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const message = `the control service at ${url} did not answer within ${timeoutMs / 1000} s`;
    return new DaosError('DER_TIMEDOUT', message, { cause: error });
  }
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (/^ERR_(SSL|TLS)|CERT|UNABLE_TO_/.test(code)) {
    return new DaosError(
      'DER_NO_PERM',
      `the control service at ${url} and we do not accept each other's certificates: ${message}`,
      { cause: error },
    );
  }
  return new DaosError(
    'DER_UNREACH',
    `no control service at ${url}: start one with 'daos-server start', or name another with ` +
      `--control`,
    { cause: error },
  );
}

/** Nobody listens there: repeating at once is of no use. */
function isRefused(error: DaosError): boolean {
  return (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED';
}
