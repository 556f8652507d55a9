// Capabilities: what the control plane gives to a client that may open a container, and what the
// engines check. native/protocol/capability.h is their side.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { PoolKeyMessage } from '../engines/engine-control.js';
import { uuidField } from '../records/fields.js';
import { RecordType } from '../records/record.js';

/**
 * How long one opens containers; what is open stays open until it is evicted. Clients renew theirs
 * at half of it, so that hosts whose clocks differ by less than the other half get along.
 */
export const CAPABILITY_LIFE_MS = 7 * 24 * 3600 * 1000;

const RIGHT_READ = 1;
const RIGHT_WRITE = 2;
const SECRET_SIZE = 32;
const CAPABILITY_SIZE = 64;
/** An engine goes through all of them when it is asked to open a container. */
const EVICTION_COUNT_MAX = 4096;

const evictionField = z.object({
  /** Of one container; else of a machine. */
  container: uuidField.optional(),
  machine: z.string().optional(),
  /** What was sealed under an earlier one is revoked. */
  serial: z.int().min(1),
  atMs: z.int(),
});
/** What an eviction is about. */
export type Evicted = { readonly container: string } | { readonly machine: string };


/** Apart from the pool's record, which callers see. */
export const poolSecretRecord = new RecordType({
  name: 'pool secret',
  migrations: [(fields) => ({ ...fields, serial: 0, evictions: [] })],
  schema: z.object({
    /** Rises with each new secret; what was sealed with an earlier one is revoked. */
    keyVersion: z.int().min(1),
    /** In base64. */
    secret: z.string(),
    /** Of the latest eviction. */
    serial: z.int().min(0),
    /** One for a container or machine; as long as there may be capabilities from before it. */
    evictions: z.array(evictionField),
  }),
});
export type PoolSecret = z.infer<typeof poolSecretRecord.schema>;

export const poolSecretKey = (uuid: string) => `/pool-secrets/${uuid}`;

export function newSecret(keyVersion: number): PoolSecret {
  const secret = randomBytes(SECRET_SIZE).toString('base64');
  return { keyVersion, secret, serial: 0, evictions: [] };
}

/**
 * The key with an eviction more, without those that no capability is left of: twice their life, so
 * that clocks may differ. DER_OVERFLOW when there are too many.
 */
export function withEviction(
  key: PoolSecret,
  evicted: Evicted,
  nowMs: number,
  capabilityLifeMs: number,
): PoolSecret {
  const serial = key.serial + 1;
  const isSame = (one: PoolSecret['evictions'][number]) =>
    'container' in evicted ? one.container === evicted.container : one.machine === evicted.machine;
  const kept = key.evictions.filter(
    (one) => !isSame(one) && one.atMs > nowMs - 2 * capabilityLifeMs,
  );
  if (kept.length >= EVICTION_COUNT_MAX) {
    throw new DaosError('DER_OVERFLOW', `the pool has ${kept.length} evictions already`, {
      action: `evict all of it, with 'dmg pool evict'`,
    });
  }
  return { ...key, serial, evictions: [...kept, { ...evicted, serial, atMs: nowMs }] };
}

/** As engines are told. */
export function toEngineKey({ evictions, ...key }: PoolSecret): PoolKeyMessage {
  return {
    ...key,
    evictions: evictions.map(({ container, machine, serial }) => ({
      ...(container !== undefined && { container }),
      ...(machine !== undefined && { machine: machineId(machine).toString('hex') }),
      serial,
    })),
  };
}

/** How capabilities name a machine. */
function machineId(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, 8);
}

export interface CapabilityOptions {
  readonly pool: string;
  readonly container: string;
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  readonly expiresMs: number;
  /** That it is for. */
  readonly machine?: string | undefined;
}

/** In base64. */
export function sealCapability(key: PoolSecret, options: CapabilityOptions): string {
  const body = Buffer.alloc(CAPABILITY_SIZE);
  uuidBytes(options.pool).copy(body, 0);
  uuidBytes(options.container).copy(body, 16);
  const { mayRead, mayWrite } = options;
  body.writeUInt32LE((mayRead ? RIGHT_READ : 0) | (mayWrite ? RIGHT_WRITE : 0), 32);
  body.writeUInt32LE(key.keyVersion, 36);
  body.writeBigUInt64LE(BigInt(options.expiresMs), 40);
  if (options.machine !== undefined) {
    body.writeBigUInt64LE(machineId(options.machine).readBigUInt64BE(), 48);
  }
  body.writeUInt32LE(key.serial, 56);
  const seal = createHmac('sha256', Buffer.from(key.secret, 'base64')).update(body).digest();
  return Buffer.concat([body, seal]).toString('base64');
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
