// The console for browsers without a certificate, at a port of its own: a token lets them in, and
// they can look and change nothing.
//
// Boundary: of the control service's routes those of CONSOLE_ROUTES alone are here, all of them
//           GET. None of them tells a secret.

import type { Server } from 'node:http';
import { TLSSocket } from 'node:tls';
import { DaosError } from '@daos/model';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Route } from '../api/route.js';
import { ROUTES } from '../api/routes.js';
import type { Log } from '../control-context.js';
import type { ControlPlane } from '../control-plane.js';
import { ADMINISTRATOR } from '../security/caller.js';
import { answerOf, callOf } from '../service/call-route.js';
import { daosErrorOf, errorBodyOf, httpStatusOf } from '../service/http-errors.js';
import { NO_SCHEMAS } from '../service/no-schemas.js';
import { listen, urlOf } from '../service/listen.js';
import type { Certificates } from '../service/service-tls.js';
import { watchEvents } from '../service/watch-events.js';
import { CONSOLE_SESSION_LIFE_MS, type ConsoleAccess } from './console-access.js';
import { CONSOLE_PATH, serveConsoleFiles } from './console-files.js';

const CONSOLE_ROUTES = [
  'listRanks',
  'scanStorage',
  'queryUsage',
  'listPools',
  'queryPool',
  'getPoolActivity',
  'listContainers',
] as const satisfies readonly (keyof typeof ROUTES)[];

const COOKIE = 'daos_console';
const REQUEST_SIZE_MAX = 4096;
const REQUEST_TIMEOUT_MS = 10_000;
const loginSchema = z.strictObject({ token: z.string().max(256) });

export interface ConsoleServiceOptions {
  readonly control: ControlPlane;
  readonly access: ConsoleAccess;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly certificates?: Certificates | undefined;
  readonly log: Log;
}

export class ConsoleService {
  readonly #server: FastifyInstance<Server>;
  readonly #options: ConsoleServiceOptions;
  readonly #closing = new AbortController();

  static async start(options: ConsoleServiceOptions): Promise<ConsoleService> {
    const service = new ConsoleService(options);
    await listen(service.#server, options.address, options.port);
    return service;
  }

  private constructor(options: ConsoleServiceOptions) {
    this.#options = options;
    const { certificates } = options;
    this.#server = fastify({
      ...(certificates && {
        https: { cert: certificates.certificate, key: certificates.key, minVersion: 'TLSv1.3' },
      }),
      bodyLimit: REQUEST_SIZE_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      forceCloseConnections: 'idle',
      logger: false,
      schemaController: NO_SCHEMAS,
    });
    this.#server.setErrorHandler((error, _request, reply) => this.#fail(error, reply));
    this.#server.setNotFoundHandler((_request, reply) =>
      this.#fail(new DaosError('DER_NONEXIST', 'the console has no such page'), reply),
    );
    // The page itself tells nothing; it asks for the token.
    serveConsoleFiles(this.#server, () => {});
    this.#server.post(`${CONSOLE_PATH}login`, (request, reply) => this.#logIn(request, reply));
    for (const name of CONSOLE_ROUTES) this.#serve(ROUTES[name] as unknown as Route);
    const onRequest = async (request: FastifyRequest) => this.#check(request);
    this.#server.get('/v1/events', { onRequest }, (request, reply) =>
      watchEvents({ control: options.control, request, reply, closing: this.#closing.signal }),
    );
  }

  /** Of the page. */
  get url(): string {
    return urlOf(this.#server, this.#options.certificates !== undefined) + CONSOLE_PATH;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#server.close();
  }

  #serve(route: Route): void {
    this.#server.get(
      route.path.replace(/\{(\w+)\}/g, ':$1'),
      { onRequest: async (request) => this.#check(request) },
      async (request) => {
        const { control } = this.#options;
        const access = control.accessOf(ADMINISTRATOR);
        return answerOf(route, await route.run(callOf(route, request, control, access)));
      },
    );
  }

  #logIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { token } = loginSchema.parse(request.body);
    const session = this.#options.access.logIn(token);
    const outcome = session === undefined ? 'was refused' : 'was made';
    this.#options.log.info(`console: a login ${outcome}`, { address: request.ip });
    if (session === undefined) throw new DaosError('DER_NO_PERM', 'the token lets nobody in');
    const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${CONSOLE_SESSION_LIFE_MS / 1000}`;
    const secure = request.raw.socket instanceof TLSSocket ? '; Secure' : '';
    return reply.header('set-cookie', `${COOKIE}=${session}; ${flags}${secure}`).send({});
  }

  #check(request: FastifyRequest): void {
    const cookies = (request.headers.cookie ?? '').split(/; */);
    const own = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`));
    const session = own?.slice(COOKIE.length + 1) ?? '';
    if (this.#options.access.isLoggedIn(session)) return;
    throw new DaosError('DER_NO_PERM', "log in with a token of 'dmg console token'");
  }

  #fail(error: unknown, reply: FastifyReply): FastifyReply {
    const known = daosErrorOf(error);
    if (known.code === 'DER_MISC') {
      this.#options.log.error('the console failed', { error: String(error) });
    }
    return reply.status(httpStatusOf(known.code)).send(errorBodyOf(known));
  }
}
