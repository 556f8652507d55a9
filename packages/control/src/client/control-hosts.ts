// Sends a request to whichever control host answers it.
//
// A host that stands by names the one that acts; one that is gone is passed over. When a leader has
// just gone nobody acts for a moment: the request waits for the next one. It carries its
// idempotency key all the while, so that it is carried out once.

import { setTimeout as sleep } from 'node:timers/promises';
import { DaosError } from '@daos/model';
import type { Certificates } from '../service/service-tls.js';
import { errorIn } from '../service/http-errors.js';
import { HOST_SILENT } from './watch-host.js';
import { sendHttp, type HttpAnswer, type HttpRequest } from './send-http.js';

/** How long a request waits for a control host that acts. */
const TAKEOVER_MS = 30_000;
const PAUSE_MS = 150;
/** From a host that stands by to the one that acts. */
const REDIRECT_COUNT_MAX = 3;
/** To a service whose answer was lost. */
const ATTEMPT_COUNT_MAX = 3;
const REDIRECTED = 307;
const UNDER_WAY = 202;
/** For so long a host that was silent is not tried again where another one names it. */
const SILENT_MS = 3000;

export interface ControlHostsOptions {
  /** At least one. */
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly certificates?: Certificates | undefined;
}

export interface HostAnswer {
  /** From JSON. */
  readonly body: unknown;
  /** Of the service, where it says so. */
  readonly version?: string;
  /** The work goes on: the same request asks for the end of it. */
  readonly isUnderWay?: boolean;
}

export class ControlHosts {
  readonly #options: ControlHostsOptions;
  /** The host that answered last is asked first. */
  #current = 0;
  readonly #silentUntilMs = new Map<string, number>();

  constructor(options: ControlHostsOptions) {
    this.#options = options;
  }

  /**
   * Of a success. Fails with the service's own error, or DER_UNREACH. `isUnderWay`: a host that was
   * there a moment ago is waited for.
   */
  async send(path: string, request: HttpRequest, isUnderWay = false): Promise<HostAnswer> {
    const { urls } = this.#options;
    const startedMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      const url = urls[this.#current % urls.length] ?? '';
      try {
        return await this.#sendTo(url, path, request);
      } catch (error) {
        if (isAway(error)) this.#current += 1;
        const isLate = performance.now() - startedMs > TAKEOVER_MS;
        const mayRepeat = (isUnderWay && isAway(error)) || this.#mayRepeat(error, attempt);
        if (isLate || !mayRepeat) throw error;
        await sleep(attempt < urls.length ? 0 : PAUSE_MS);
      }
    }
  }

  #mayRepeat(error: unknown, attempt: number): boolean {
    if (DaosError.is(error, 'DER_AGAIN')) return true;
    if (!isAway(error)) return false;
    const { isRedirected } = error.cause as { isRedirected?: boolean };
    if (isRedirected || this.#options.urls.length > 1) return true;
    return !isRefused(error) && attempt < ATTEMPT_COUNT_MAX;
  }

  async #sendTo(first: string, path: string, request: HttpRequest): Promise<HostAnswer> {
    let url = first + path;
    for (let redirectCount = 0; ; redirectCount++) {
      const answer = await this.#sendOnce(url, request, redirectCount > 0);
      if (answer.status !== REDIRECTED) return bodyOf(url, answer);
      if (answer.location === undefined || redirectCount === REDIRECT_COUNT_MAX) {
        throw new DaosError('DER_AGAIN', `the control hosts do not agree on who acts (${url})`);
      }
      url = answer.location;
      if (this.#isSilent(url)) {
        throw new DaosError('DER_AGAIN', `nobody acts in place of ${url} yet`);
      }
    }
  }

  /** Found so a moment ago: those that stand by may not know yet. */
  #isSilent(url: string): boolean {
    return (this.#silentUntilMs.get(new URL(url).origin) ?? 0) > performance.now();
  }

  async #sendOnce(url: string, request: HttpRequest, isRedirected: boolean): Promise<HttpAnswer> {
    const { timeoutMs, certificates } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await sendHttp(url, { ...request, signal }, certificates);
    } catch (error) {
      if (isRedirected) Object.assign(error as Error, { isRedirected });
      if ((error as NodeJS.ErrnoException).code === HOST_SILENT) {
        this.#silentUntilMs.set(new URL(url).origin, performance.now() + SILENT_MS);
      }
      throw unreachable(url.replace(/\/v1\/.*$/, ''), timeoutMs, error);
    }
  }
}

function bodyOf(url: string, { status, text, version }: HttpAnswer): HostAnswer {
  const body = parseJson(text);
  const of = version !== undefined && { version };
  if (status === 200) return { body, ...of };
  if (status === UNDER_WAY) return { body, ...of, isUnderWay: true };
  const known = errorIn(body);
  if (known) throw known;
  throw new DaosError('DER_PROTO', `${url} answered ${status}, which is not a DAOS answer`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a wrong clock looks like: to us, or as the alert of the other end. */
const isOfTime = (code: string) => /NOT_YET_VALID|EXPIRED|ALERT_BAD_CERTIFICATE/.test(code);
const CLOCK_ACTION =
  "compare the clocks of both hosts; where they are right, make new certificates: " +
  "'daos-server cert generate'";

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
      { cause: error, ...(isOfTime(code) && { action: CLOCK_ACTION }) },
    );
  }
  return new DaosError(
    'DER_UNREACH',
    `no control service at ${url}: start one with 'daos-server start', or name another with ` +
      `--control`,
    { cause: error },
  );
}

/** No answer came: a service that says DER_UNREACH itself speaks of an engine. */
function isAway(error: unknown): error is DaosError {
  return DaosError.is(error, 'DER_UNREACH') && error.cause !== undefined;
}

/** Nobody listens there: repeating at once is of no use. */
function isRefused(error: DaosError): boolean {
  return (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED';
}
