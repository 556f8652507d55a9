// Where a service of this process listens.

import type { Server } from 'node:http';
import { DaosError } from '@daos/model';
import type { FastifyInstance } from 'fastify';

/** DER_BUSY when the port is taken, DER_INVAL for an address that is not of this host. */
export async function listen(
  server: FastifyInstance<Server>,
  address: string,
  port: number,
): Promise<void> {
  try {
    await server.listen({ host: address, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw new DaosError('DER_INVAL', message, { cause: error });
    throw new DaosError(
      'DER_BUSY',
      `port ${port} of ${address} is taken: stop the program that listens there ` +
        `('ss -ltnp sport = :${port}' names it), or give another port`,
      { cause: error },
    );
  }
}

/** As `http://127.0.0.1:10001`. */
export function urlOf(server: FastifyInstance<Server>, isSecure: boolean): string {
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new DaosError('DER_UNINIT');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${isSecure ? 'https' : 'http'}://${host}:${address.port}`;
}
