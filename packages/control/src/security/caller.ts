// Who makes a request, and what is the same for everyone who may not.

import { DaosError } from '@daos/model';
import type { Identity } from './acl.js';

/**
 * An administrator, or a user. Where there are no certificates everyone is an administrator:
 * whoever reaches the service may do anything.
 */
export type Caller = (
  | { readonly isAdministrator: true }
  | { readonly isAdministrator: false; readonly identity: Identity }
) & {
  /** By the agent's word where there is one, else by the caller's own. */
  readonly machine?: string;
};

/** In which a caller without an agent names its machine, percent-encoded. */
export const MACHINE_HEADER = 'daos-machine';

/** Of a value of that header; one that no machine can have is as none. */
export function machineOf(value: unknown): { machine?: string } {
  if (typeof value !== 'string' || value === '' || value.length > 1024) return {};
  try {
    return { machine: decodeURIComponent(value) };
  } catch {
    return {};
  }
}

export const ADMINISTRATOR: Caller = { isAdministrator: true };

/** Shows a role's certificate but no credential: only what everyone may is open. */
export const NOBODY: Identity = { user: '', groups: [] };

export function callerName(caller: Caller): string {
  if (caller.isAdministrator) return 'administrator';
  return caller.identity.user || 'nobody';
}

/**
 * The same for what is not there and for what the caller may not see: who has no rights learns no
 * names.
 */
export function hidden(kind: 'pool' | 'container', name: string): DaosError {
  return new DaosError(
    'DER_NO_PERM',
    `there is no ${kind} '${name}' that you may use: its owner can give you rights`,
  );
}

export function denied(caller: Caller, kind: string, label: string, right: string): DaosError {
  return new DaosError(
    'DER_NO_PERM',
    `${callerName(caller)} lacks the right '${right}' on ${kind} '${label}': ` +
      `its owner can give it`,
  );
}
