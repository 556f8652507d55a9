// What a route of the control service is: its path, the schemas of what goes in and out, and what
// it does.
//
// The routes are data: the service serves them, the OpenAPI document describes them, and clients
// take their types from them.

import type * as z from 'zod';
import type { ConsoleToken } from '../console/console-access.js';
import type { ControlPlane } from '../control-plane.js';
import type { RequestIdentity } from '../records/answer-record.js';
import type { Access } from '../security/authorize.js';
import type { Role } from '../service/service-tls.js';
import type { ReportProgress } from '../work-progress.js';
import type { RouteLine } from './route-lines.js';

export interface RouteCall<Params, Query, Body> {
  readonly control: ControlPlane;
  /** What the caller may touch: a route of users asks before it does anything. */
  readonly access: Access;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** From the Idempotency-Key header. */
  readonly requestKey: string | undefined;
  /** Of a request with a key: for what writes its answer ahead. */
  readonly identity?: RequestIdentity;
  /** Tells a caller that waits how far it is. */
  readonly report?: ReportProgress;
  /** As this host sees it. */
  readonly callerAddress: string;
  /** Where this host serves the console to browsers with a token. */
  readonly issueConsoleToken: (() => ConsoleToken) | undefined;
}

export interface Route<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> extends RouteLine {
  readonly name: string;
  readonly summary: string;
  /** Who may call it, besides administrators. */
  readonly roles: readonly Role[];
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly response: R;
  run(call: RouteCall<z.output<P>, z.output<Q>, z.output<B>>): Promise<z.input<R>>;
}

/** Gives `run` its types from the schemas. */
export function defineRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(route: Route<P, Q, B, R>): Route<P, Q, B, R> {
  return route;
}
