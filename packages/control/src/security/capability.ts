// Capabilities: what the control plane gives to a client that may open a container, and what the
// engines check. native/protocol/capability.h is their side.

import { createHmac, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { RecordType } from '../records/record.js';

/**
 * How long one opens containers; what is open stays open until it is evicted. Clients renew theirs
 * at half of it, so that hosts whose clocks differ by less than the other half get along.
 */
export const CAPABILITY_LIFE_MS = 7 * 24 * 3600 * 1000;

const RIGHT_READ = 1;
const RIGHT_WRITE = 2;
const SECRET_SIZE = 32;
const CAPABILITY_SIZE = 48;

/** Apart from the pool's record, which callers see. */
export const poolSecretRecord = new RecordType({
  name: 'pool secret',
  migrations: [],
  schema: z.object({
    /** Rises with each new secret; what was sealed with an earlier one is revoked. */
    keyVersion: z.int().min(1),
    /** In base64. */
    secret: z.string(),
  }),
});
export type PoolSecret = z.infer<typeof poolSecretRecord.schema>;

export const poolSecretKey = (uuid: string) => `/pool-secrets/${uuid}`;

export function newSecret(keyVersion: number): PoolSecret {
  return { keyVersion, secret: randomBytes(SECRET_SIZE).toString('base64') };
}

export interface CapabilityOptions {
  readonly pool: string;
  readonly container: string;
  readonly mayWrite: boolean;
  readonly expiresMs: number;
}

/** In base64. */
export function sealCapability(key: PoolSecret, options: CapabilityOptions): string {
  const body = Buffer.alloc(CAPABILITY_SIZE);
  uuidBytes(options.pool).copy(body, 0);
  uuidBytes(options.container).copy(body, 16);
  body.writeUInt32LE(RIGHT_READ | (options.mayWrite ? RIGHT_WRITE : 0), 32);
  body.writeUInt32LE(key.keyVersion, 36);
  body.writeBigUInt64LE(BigInt(options.expiresMs), 40);
  const seal = createHmac('sha256', Buffer.from(key.secret, 'base64')).update(body).digest();
  return Buffer.concat([body, seal]).toString('base64');
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
