// Certificates of the control plane: what a service and its callers show each other, and the role a
// caller has by it.
//
// Both sides check: a caller accepts a server's certificate of the system's own authority alone,
// and the service a caller's. What a caller may do is the common name of its certificate, its role.

import { DaosError } from '@daos/model';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

/** Who a certificate speaks for. */
export const ROLES = ['server', 'admin', 'agent', 'client'] as const;
export type Role = (typeof ROLES)[number];

/** In PEM. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Reads `ca.crt`, `<role>.crt` and `<role>.key`. DER_INVAL names the file that is missing. */
export function readCertificates(directory: string, role: Role): Certificates {
  const read = (name: string) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (error) {
      throw new DaosError(
        'DER_INVAL',
        `cannot read a certificate: ${(error as Error).message}; ` +
          `'daos-server cert generate -d ${directory}' makes them`,
      );
    }
  };
  return {
    authority: read('ca.crt'),
    certificate: read(`${role}.crt`),
    key: read(`${role}.key`),
  };
}

/** The role of the caller at the other end. DER_NO_PERM for a certificate without one. */
export function roleOf(socket: TLSSocket): Role {
  const name = socket.getPeerCertificate().subject?.CN;
  const role = ROLES.find((known) => known === name);
  if (role) return role;
  throw new DaosError('DER_NO_PERM', 'the certificate of the caller carries no role');
}
