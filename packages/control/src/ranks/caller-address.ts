// The address by which engines reach a caller's host: what a client on it listens at.
//
// A caller from elsewhere is where the service sees it. One of the service's own host is known by
// loopback, which engines of other hosts cannot reach: it gets the address from which this host
// reaches them, where there are any.

import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import type { ControlContext } from '../control-context.js';
import { listRanks } from './rank-registry.js';

const LOOPBACK = '127.0.0.1';
/** Nothing is sent there: a connected socket has chosen its own address. */
const ANY_PORT = 9;

export async function callerAddress(context: ControlContext, seen: string): Promise<string> {
  const address = seen.replace(/^::ffff:/, '');
  if (isIP(address) !== 0 && !isLoopback(address)) return address;
  for (const { addresses } of await listRanks(context)) {
    for (const engine of addresses.flat()) {
      const host = hostOf(engine.address);
      if (engine.transport !== 'shm' && host !== undefined && !isLoopback(host)) {
        return await ownAddressTowards(host);
      }
    }
  }
  return LOOPBACK;
}

const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address);

/** Of `tcp://10.0.0.1:31416` and the like; undefined for what has no numeric address. */
function hostOf(address: string): string | undefined {
  const host = /^\w+:\/\/\[?([0-9a-f.:]+?)\]?:\d+$/i.exec(address)?.[1];
  return host !== undefined && isIP(host) !== 0 ? host : undefined;
}

async function ownAddressTowards(host: string): Promise<string> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(ANY_PORT, host, resolve);
    });
    return socket.address().address;
  } catch {
    return LOOPBACK;
  } finally {
    socket.close();
  }
}
