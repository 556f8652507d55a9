// The control service: the control plane over HTTP.
//
// Life cycle: create → listen → serve → close, which waits for requests under way.
//
// With certificates, both sides show one, and a caller may do what its role allows. Without them
// whoever reaches the service may do anything: that needs `insecure: true` from its owner, and then
// it takes a loopback address alone.

import type { Server } from 'node:http';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { DaosError } from '@daos/model';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import * as z from 'zod';
import { openApiDocument } from '../api/openapi.js';
import type { Route } from '../api/route.js';
import { ROUTE_LIST } from '../api/routes.js';
import { systemClock, type Clock } from '../clock.js';
import type { ConsoleToken } from '../console/console-access.js';
import { serveConsoleFiles } from '../console/console-files.js';
import type { Log } from '../control-context.js';
import type { ControlPlane } from '../control-plane.js';
import { inRequestSpan } from '../tracing.js';
import {
  ADMINISTRATOR,
  callerName,
  MACHINE_HEADER,
  machineOf,
  NOBODY,
  type Caller,
} from '../security/caller.js';
import { CREDENTIAL_HEADER } from '../security/credential.js';
import { verifyCredential } from '../security/verify-credential.js';
import { AnsweredRequests } from './answered-requests.js';
import type { AuditEntry } from './audit.js';
import { answerOf, callOf, requestKeyOf, waitMsOf } from './call-route.js';
import { daosErrorOf, errorBodyOf, httpStatusOf } from './http-errors.js';
import { checkAccess, listen, urlOf } from './listen.js';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.js';
import { NO_SCHEMAS } from './no-schemas.js';
import { RunningRequests, StillRunning } from './running-requests.js';
import { roleOf, type Certificates, type Role } from './service-tls.js';
import { watchEvents } from './watch-events.js';
import { CONTROL_VERSION, VERSION_HEADER } from '../version.js';

/** Largest request body. */
export const REQUEST_SIZE_MAX = 1 << 20;
/** A request whose headers or body take longer to arrive is dropped. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Of certificates. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** One more is turned away: whoever opens many and says nothing leaves room for nobody else. */
const CONNECTION_COUNT_MAX = 4096;

/** Carries out what the host that acts tells the engines of this one. */
export type CommandEngine = (command: EngineCommand) => Promise<unknown>;

export interface EngineCommand {
  readonly rank: number;
  readonly method: string;
  /** Of who commands: one that has been replaced is refused. */
  readonly term: number;
  readonly parameters: unknown;
}

const engineCommandSchema = z.strictObject({ term: z.int().min(0), parameters: z.unknown() });

export interface ControlServiceOptions {
  /** Asked for at each request: another one may act by then. */
  readonly control: ControlPlane;
  /** Where a request is to go instead, as the URL of another control host; undefined: nowhere. */
  readonly elsewhere?: (method: string) => string | undefined;
  readonly commandEngine?: CommandEngine;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly insecure: boolean;
  /** Needed unless `insecure`. */
  readonly certificates?: Certificates;
  readonly version: string;
  readonly log: Log;
  /** Gets every request with what came of it. */
  readonly audit?: (entry: AuditEntry) => void;
  readonly clock?: Clock;
  /** How long a request may take to arrive. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** Where there is a console for browsers with a token. */
  readonly issueConsoleToken?: (() => ConsoleToken) | undefined;
}

export class ControlService {
  readonly #server: FastifyInstance<Server>;
  readonly #options: ControlServiceOptions;
  readonly #answered: AnsweredRequests;
  readonly #commands: RunningRequests;
  readonly #closing = new AbortController();
  /** Users of requests under way, for the audit log. */
  readonly #callers = new WeakMap<FastifyRequest, string>();

  /**
   * Serves when the promise resolves. DER_BUSY when the port is taken, DER_INVAL for an insecure
   * public address.
   */
  static async start(options: ControlServiceOptions): Promise<ControlService> {
    checkAccess(options);
    const service = new ControlService(options);
    await listen(service.#server, options.address, options.port);
    return service;
  }

  private constructor(options: ControlServiceOptions) {
    this.#options = options;
    this.#answered = new AnsweredRequests(options.clock ?? systemClock);
    this.#commands = new RunningRequests(options.clock ?? systemClock);
    const timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    // Node looks for late requests every 30 s unless it is told.
    const patience = { headersTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs / 4 };
    const { certificates } = options;
    this.#server = fastify({
      ...(certificates
        ? { https: { ...tlsOptionsOf(certificates), ...patience } }
        : { http: patience }),
      bodyLimit: REQUEST_SIZE_MAX,
      requestTimeout: timeoutMs,
      routerOptions: { maxParamLength: 256 },
      // What fails before there is a route: a path that is malformed, or too long a name in it.
      frameworkErrors: (error, request, reply) => void this.#fail(error, request, reply),
      forceCloseConnections: 'idle',
      logger: false,
      schemaController: NO_SCHEMAS,
    });
    this.#server.server.maxConnections = CONNECTION_COUNT_MAX;
    this.#server.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    this.#server.setNotFoundHandler((request, reply) => {
      const message = `there is no ${request.method} ${request.url}: see /v1/openapi.json`;
      return this.#fail(new DaosError('DER_NONEXIST', message), request, reply);
    });
    this.#server.addHook('onResponse', async (request, reply) => this.#audit(request, reply));
    for (const route of ROUTE_LIST) this.#serve(route);
    this.#serveEngines();
    // Made when it is asked for: it takes a tenth of a server's start.
    let document: object | undefined;
    this.#server.get('/v1/openapi.json', () => (document ??= openApiDocument(options.version)));
    this.#server.get(
      '/metrics',
      { onRequest: async (request) => checkRole(request, ['server']) },
      async (_request, reply) =>
        reply.type(METRICS_CONTENT_TYPE).send(await metricsText(options.control)),
    );
    serveConsoleFiles(this.#server, (request) => checkRole(request, []));
    const closing = this.#closing.signal;
    this.#server.get(
      '/v1/events',
      { onRequest: async (request) => checkRole(request, []) },
      (request, reply) => watchEvents({ control: options.control, request, reply, closing }),
    );
  }

  /** As `http://127.0.0.1:10001`. */
  get url(): string {
    return urlOf(this.#server, this.#options.certificates !== undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#server.close();
    // Also what nobody waits for just now.
    await Promise.all([this.#answered.settled(), this.#commands.settled()]);
  }

  #serve(route: Route): void {
    this.#server.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      // Before the body is read: who may not call learns nothing, and costs nothing.
      onRequest: async (request, reply) => {
        checkRole(request, route.roles);
        const url = this.#options.elsewhere?.(route.method);
        if (url !== undefined) await reply.redirect(url + request.url, 307);
      },
      config: { isRoutine: route.isRoutine ?? false },
      handler: async (request, reply) => {
        const answer = await inRequestSpan(route.name, request, () =>
          this.#answer(route, request),
        );
        void reply.header(VERSION_HEADER, CONTROL_VERSION);
        if (answer instanceof StillRunning) return comeAgain(reply, answer);
        return answerOf(route, answer);
      },
    });
  }

  async #answer(route: Route, request: FastifyRequest): Promise<unknown> {
    const { control, issueConsoleToken } = this.#options;
    const access = control.accessOf(this.#callerOf(request));
    const call = callOf(route, request, control, access, issueConsoleToken);
    const { requestKey } = call;
    const isKept = requestKey !== undefined && route.method !== 'GET' && !route.isRoutine;
    if (!isKept) return await route.run(call);
    // Nobody gets the answer of another caller by guessing a key.
    const who = callerName(call.access.caller);
    const asked = [route.method, request.url, request.body ?? null, who];
    return await this.#answered.once(
      control.store,
      requestKey,
      asked,
      (identity, report) => route.run({ ...call, identity, report }),
      waitMsOf(request),
    );
  }

  #callerOf(request: FastifyRequest): Caller {
    const { certificates, clock = systemClock } = this.#options;
    const { socket } = request.raw;
    const machine = machineOf(request.headers[MACHINE_HEADER]);
    if (!certificates || !(socket instanceof TLSSocket)) return { ...ADMINISTRATOR, ...machine };
    const role = roleOf(socket);
    if (role === 'admin' || role === 'server') return { ...ADMINISTRATOR, ...machine };
    const credential = request.headers[CREDENTIAL_HEADER];
    if (typeof credential !== 'string') {
      this.#callers.set(request, NOBODY.user);
      return { isAdministrator: false, identity: NOBODY, ...machine };
    }
    const known = verifyCredential(credential, certificates.authority, clock.wallMs());
    const { host, ...identity } = known;
    this.#callers.set(request, identity.user);
    return { isAdministrator: false, identity, machine: host };
  }

  /** Also of who was turned away before anybody asked who it is. */
  #userOf(request: FastifyRequest): { user?: string } {
    try {
      if (!this.#callers.has(request)) this.#callerOf(request);
    } catch {
      // A credential that isn't believed says nothing.
    }
    const user = this.#callers.get(request);
    return user === undefined ? {} : { user };
  }

  /** What servers say to each other about their engines. */
  #serveEngines(): void {
    const { commandEngine } = this.#options;
    if (!commandEngine) return;
    this.#server.post(
      '/v1/engines/:rank/:method',
      { onRequest: async (request) => checkRole(request, ['server']) },
      async (request, reply) => {
        const { rank, method } = request.params as { rank: string; method: string };
        const body = engineCommandSchema.parse(request.body);
        const command = { rank: Number(rank), method, ...body };
        const run = () => inRequestSpan('commandEngine', request, () => commandEngine(command));
        const key = requestKeyOf(request);
        if (key === undefined) return await run();
        const joining = { key, digest: JSON.stringify(command), waitMs: waitMsOf(request) };
        const answer = await this.#commands.join(joining, run);
        return answer instanceof StillRunning ? comeAgain(reply, answer) : answer;
      },
    );
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const known = daosErrorOf(error);
    if (known.code === 'DER_MISC') {
      const stack = error instanceof Error ? error.stack : String(error);
      this.#options.log.error(`${request.method} ${request.url} failed`, { stack });
    }
    return reply.status(httpStatusOf(known.code)).send(errorBodyOf(known));
  }

  #audit(request: FastifyRequest, reply: FastifyReply): void {
    const { isRoutine } = request.routeOptions.config as { isRoutine?: boolean };
    if (isRoutine && reply.statusCode === 200) return;
    const { socket } = request.raw;
    const key = request.headers['idempotency-key'];
    try {
      this.#options.audit?.({
        time: new Date().toISOString(),
        ...(socket instanceof TLSSocket && {
          role: String(socket.getPeerCertificate().subject?.CN),
        }),
        ...this.#userOf(request),
        address: request.ip,
        method: request.method,
        url: request.url,
        status: reply.statusCode,
        ...(typeof key === 'string' && { requestKey: key }),
      });
    } catch (error) {
      this.#options.log.error('the audit log cannot be written', { error: String(error) });
    }
  }
}

/** With the same key: the work goes on. */
function comeAgain(reply: FastifyReply, { progress }: StillRunning): FastifyReply {
  return reply.status(202).send({ ...(progress && { progress }) });
}

/** TLS 1.3, and a certificate of the system's own authority from every caller. */
function tlsOptionsOf({ authority, certificate, key }: Certificates): TlsOptions {
  return {
    ca: authority,
    cert: certificate,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
}

/** DER_NO_PERM unless the caller is an administrator or has one of the roles. */
function checkRole(request: FastifyRequest, roles: readonly Role[]): void {
  const { socket } = request.raw;
  if (!(socket instanceof TLSSocket)) return;
  const role = roleOf(socket);
  if (role === 'admin' || roles.includes(role)) return;
  throw new DaosError('DER_NO_PERM', `role '${role}' may not do this`);
}
