// From a request to the call of its route, and from what that came to to the answer: every part is
// checked by the route's schema.

import { DaosError } from '@daos/model';
import type { FastifyRequest } from 'fastify';
import type * as z from 'zod';
import type { Route, RouteCall } from '../api/route.js';
import type { ConsoleToken } from '../console/console-access.js';
import type { ControlPlane } from '../control-plane.js';
import { knownKeysAt } from '../known-keys.js';
import type { Access } from '../security/authorize.js';
import { describeIssues } from './http-errors.js';

/** DER_INVAL names the field that is wrong. */
export function callOf(
  route: Route,
  request: FastifyRequest,
  control: ControlPlane,
  access: Access,
  issueConsoleToken?: () => ConsoleToken,
): RouteCall<unknown, unknown, unknown> {
  return {
    control,
    access,
    params: checked(route.params, request.params, 'path'),
    query: checked(route.query, request.query, 'query'),
    body: checked(route.body, request.body ?? undefined, 'body'),
    requestKey: requestKeyOf(request),
    callerAddress: request.ip,
    issueConsoleToken,
  };
}

/**
 * What the route's schema has of it, and no more. DER_MISC when it is not as the schema says:
 * callers of our own version read it as it is.
 */
export function answerOf(route: Route, answer: unknown): unknown {
  const result = route.response.safeParse(answer);
  if (result.success) return result.data;
  throw new DaosError('DER_MISC', `the answer of ${route.name}: ${describeIssues(result.error)}`);
}

function checked(schema: z.ZodType, value: unknown, what: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = describeIssues(result.error, (path) => knownKeysAt(schema, path));
  throw new DaosError('DER_INVAL', `${what} of the request: ${issues}`);
}

/** How long a caller waits at a time, by `Prefer: wait=2`; undefined: to the end. */
export function waitMsOf(request: FastifyRequest): number | undefined {
  const { prefer } = request.headers;
  const match = typeof prefer === 'string' ? /^wait=(\d{1,4})$/.exec(prefer) : null;
  return match ? Number(match[1]) * 1000 : undefined;
}

export function requestKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length >= 1 && key.length <= 128) return key;
  throw new DaosError('DER_INVAL', 'an Idempotency-Key has 1 to 128 characters');
}
