// Where a service of this process listens.

import type { Server } from 'node:http';
import { once } from 'node:events';
import { createServer, isIP } from 'node:net';
import { DaosError } from '@daos/model';
import type { FastifyInstance } from 'fastify';
import type { Certificates } from './service-tls.js';

/** DER_BUSY when the port is taken, DER_INVAL for an address that is not of this host. */
export async function listen(
  server: FastifyInstance<Server>,
  address: string,
  port: number,
): Promise<void> {
  try {
    await server.listen({ host: address, port });
  } catch (error) {
    throw listenError(error, address, port);
  }
}

/** What the service may be reached by, and how. */
export interface ServiceAccess {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly insecure: boolean;
  /** Needed unless `insecure`. */
  readonly certificates?: Certificates | undefined;
}

/** Fails as the start of a service would, before anything is started that it is for. */
export async function checkListen(access: ServiceAccess): Promise<void> {
  checkAccess(access);
  const { address, port } = access;
  if (port === 0) return;
  const probe = createServer();
  try {
    probe.listen({ host: address, port });
    await once(probe, 'listening');
  } catch (error) {
    throw listenError(error, address, port);
  }
  probe.close();
  await once(probe, 'close');
}

/** DER_NOSYS without certificates, DER_INVAL for an insecure public address. */
export function checkAccess({ address, insecure, certificates }: ServiceAccess): void {
  if (certificates) return;
  if (!insecure) {
    throw new DaosError('DER_NOSYS', 'the control service has no certificates', {
      action:
        `name their directory ('certificates', 'daos-server cert generate' makes them), or say ` +
        `'insecure: true' to run it without, on loopback`,
    });
  }
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  if (!isLoopback) {
    throw new DaosError(
      'DER_INVAL',
      `an insecure control service may only listen on loopback (127.0.0.1, ::1), not on ` +
        `'${address}'`,
    );
  }
}

function listenError(error: unknown, address: string, port: number): DaosError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return new DaosError('DER_INVAL', message, { cause: error });
  return new DaosError('DER_BUSY', `port ${port} of ${address} is taken`, {
    cause: error,
    action:
      `stop the program that listens there ('ss -ltnp sport = :${port}' names it), or give ` +
      `another port`,
  });
}

/** As `http://127.0.0.1:10001`. */
export function urlOf(server: FastifyInstance<Server>, isSecure: boolean): string {
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new DaosError('DER_UNINIT');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${isSecure ? 'https' : 'http'}://${host}:${address.port}`;
}
