// Makes the certificates of a system: an authority, and one certificate for each role, which its
// common name says.
//
// The keys are of their owners alone (mode 0600). The authority's key is needed for new
// certificates only: it belongs on no server.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { ROLES, type Role } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';

export interface GenerateCertificatesOptions {
  readonly directory: string;
  /** Names and addresses by which callers reach servers, besides this host's own and loopback. */
  readonly hosts: readonly string[];
  readonly days: number;
}

/** Returns the files that were made. DER_EXIST when the directory has an authority already. */
export function generateCertificates(options: GenerateCertificatesOptions): string[] {
  const { directory, days } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(directory, name);
  if (existsSync(at('ca.key'))) {
    throw new DaosError(
      'DER_EXIST',
      `${directory} has an authority already`,
      { action: 'remove it for a new one, or give another directory' },
    );
  }
  makeKey(at('ca.key'));
  openssl([
    ...['req', '-x509', '-new', '-key', at('ca.key'), '-days', String(days)],
    ...['-subj', '/O=DAOS/CN=DAOS authority', '-out', at('ca.crt')],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
  ]);
  const files = ['ca.crt', 'ca.key'];
  for (const role of ROLES) files.push(...issue(options, role));
  return files.map(at);
}

function issue({ directory, hosts, days }: GenerateCertificatesOptions, role: Role): string[] {
  const at = (name: string) => join(directory, name);
  const scratch = mkdtempSync(join(tmpdir(), 'daos-cert-'));
  try {
    const request = join(scratch, 'request');
    const extensions = join(scratch, 'extensions');
    makeKey(at(`${role}.key`));
    openssl([
      'req',
      '-new',
      '-key',
      at(`${role}.key`),
      '-subj',
      `/O=DAOS/CN=${role}`,
      '-out',
      request,
    ]);
    writeFileSync(extensions, extensionsOf(role, hosts));
    openssl([
      ...['x509', '-req', '-in', request, '-CA', at('ca.crt'), '-CAkey', at('ca.key')],
      ...['-days', String(days), '-extfile', extensions, '-out', at(`${role}.crt`)],
    ]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return [`${role}.crt`, `${role}.key`];
}

/** A server answers calls and makes some; nobody else answers any. */
function extensionsOf(role: Role, hosts: readonly string[]): string {
  const usage = role === 'server' ? 'serverAuth,clientAuth' : 'clientAuth';
  const names = ['localhost', '127.0.0.1', '::1', hostname(), ...hosts];
  const alternatives = names.map((name) => (isIP(name) ? `IP:${name}` : `DNS:${name}`));
  return [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    `extendedKeyUsage=${usage}`,
    ...(role === 'server' ? [`subjectAltName=${alternatives.join(',')}`] : []),
    '',
  ].join('\n');
}

function makeKey(file: string): void {
  openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file]);
  chmodSync(file, 0o600);
}

function openssl(parameters: readonly string[]): void {
  try {
    execFileSync('openssl', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string; stderr?: Buffer };
    if (code === 'ENOENT') {
      throw new DaosError('DER_NOSYS', 'the program openssl is missing: apt-get install openssl');
    }
    const why = stderr?.toString().trim() || message;
    throw new DaosError('DER_MISC', `openssl ${parameters[0]}: ${why}`);
  }
}
