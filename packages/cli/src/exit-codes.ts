// Exit codes of daos and dmg. docs/cli.md lists them; a test compares the two.

import { DaosError, type DaosErrorCode } from '@daos/model';

export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  denied: 5,
  noSpace: 6,
  exists: 7,
  busy: 8,
} as const;

export type ExitName = keyof typeof EXIT_CODES;

const NAMES: Partial<Record<DaosErrorCode, ExitName>> = {
  DER_INVAL: 'usage',
  DER_OVERFLOW: 'usage',
  DER_KEY2BIG: 'usage',
  DER_REC2BIG: 'usage',
  DER_NONEXIST: 'notFound',
  DER_UNREACH: 'unreachable',
  DER_TIMEDOUT: 'unreachable',
  DER_NO_PERM: 'denied',
  DER_NOSPACE: 'noSpace',
  DER_EXIST: 'exists',
  DER_BUSY: 'busy',
  DER_INPROGRESS: 'busy',
};

export function exitCodeOf(error: unknown): number {
  const name = DaosError.is(error) ? NAMES[error.code] : undefined;
  return EXIT_CODES[name ?? 'failed'];
}
