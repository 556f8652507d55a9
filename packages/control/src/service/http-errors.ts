// Errors of the control plane as HTTP answers, and back.

import { DaosError, ERRORS, unknownKeyText, type DaosErrorCode } from '@daos/model';
import type * as z from 'zod';
import type { ErrorBody } from '../api/routes.js';

/** Codes that HTTP has a status for; all others are 500, or 503 when repeating can help. */
const STATUSES: Partial<Record<DaosErrorCode, number>> = {
  DER_INVAL: 400,
  DER_OVERFLOW: 400,
  DER_NO_PERM: 403,
  DER_NONEXIST: 404,
  DER_EXIST: 409,
  DER_ALREADY: 409,
  DER_BUSY: 409,
  DER_CANCELED: 409,
  DER_NOSYS: 501,
  DER_NOSPACE: 507,
};

export function httpStatusOf(code: DaosErrorCode): number {
  return STATUSES[code] ?? (ERRORS[code].retryable ? 503 : 500);
}

/** Undefined for what isn't the body of an error. */
export function errorIn(body: unknown): DaosError | undefined {
  const { error } = (body ?? {}) as Partial<ErrorBody>;
  const { code, message, action } = (error ?? {}) as Partial<ErrorBody['error']>;
  if (code === undefined || !Object.hasOwn(ERRORS, code)) return undefined;
  if (typeof message !== 'string' || typeof action !== 'string') return undefined;
  return new DaosError(code, message, { action });
}

export function errorBodyOf(error: DaosError): ErrorBody {
  return { error: { code: error.code, message: error.message, action: error.action } };
}

/**
 * What a caller may know of an error that is not ours: nothing of the inside. The log has the rest.
 */
export function daosErrorOf(error: unknown): DaosError {
  if (DaosError.is(error)) return error;
  if (isZodError(error)) return new DaosError('DER_INVAL', describeIssues(error));
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === 404) return new DaosError('DER_NONEXIST', message);
  if (statusCode === 413) return new DaosError('DER_OVERFLOW', 'the request is too large');
  if (statusCode !== undefined && statusCode < 500) return new DaosError('DER_INVAL', message);
  return new DaosError('DER_MISC', 'internal error of the control service: see its log');
}

/** By its name: programs that only read answers use this file too, and load no schemas. */
function isZodError(error: unknown): error is z.ZodError {
  return error instanceof Error && error.name === 'ZodError';
}

/** One line, naming each field. With `knownKeysAt` a key that isn't known gets a hint. */
export function describeIssues(
  error: z.ZodError,
  knownKeysAt: (path: readonly PropertyKey[]) => readonly string[] = () => [],
): string {
  return error.issues
    .map((issue) => {
      const text =
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((key) => unknownKeyText(key, knownKeysAt(issue.path))).join(', ')
          : issue.message;
      return issue.path.length > 0 ? `${issue.path.join('.')}: ${text}` : text;
    })
    .join('; ');
}
