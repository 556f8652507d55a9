// What a server can be told, as the schema of its configuration file. docs/configuration.md
// explains each key to people.

import { parseSize } from '@daos/control';
import { type DaosError, TARGET_COUNT_MAX } from '@daos/model';
import * as z from 'zod';
import { devicesSchema, isSpdk, spdkSchema } from './device-config.js';

/** Bytes, or text with a unit as `8GiB`. */
const sizeField = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  try {
    return parseSize(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as DaosError).message });
    return z.NEVER;
  }
});

/** Writing data areas before they are wanted: bytes in a second, of one engine. */
const prewriteSchema = z.strictObject({
  enabled: z.boolean().default(false),
  /** While no requests come; 0: as fast as the device is. */
  idle: sizeField.default(256 * 2 ** 20),
  /** Beside requests; 0: not at all. */
  busy: sizeField.default(16 * 2 ** 20),
});

/** More than that a target doesn't have on the way to its log. */
const ABSORB_MAX = 64 * 1024;
const percentField = z.int().min(1).max(99);

/** How full the log of a pool's metadata may get, in percent of it. */
const logSchema = z
  .strictObject({
    /** A checkpoint starts, after which what it holds is free again. */
    checkpoint: percentField.default(25),
    /** Writers are slowed down, more and more. */
    slow: percentField.default(50),
    /** Writers wait. */
    stop: percentField.default(75),
    /** Updates with less data than this go there whole while few are under way; 0: none. */
    absorb: sizeField
      .refine((size) => size <= ABSORB_MAX, { error: 'must be 64KiB at most' })
      .default(16 * 1024),
  })
  .refine(({ checkpoint, slow, stop }) => checkpoint < slow && slow < stop, {
    error: 'checkpoint, slow and stop have to rise in this order',
  });

const storageSchema = z.strictObject({
  /** What pools may take; all that is free when left out. */
  capacity: sizeField.optional(),
  /** What the arenas of pools may take of memory; half of it over all engines when left out. */
  memory: sizeField.optional(),
  arena: z.enum(['log', 'pmem']).default('log'),
  /** Seconds for which every version of what is stored stays readable; 0: for ever. */
  history: z.number().min(0).max(100_000_000).default(300),
  prewrite: prewriteSchema.prefault({}),
  log: logSchema.prefault({}),
  /** What pools lie on; in files of the data directory when left out. */
  devices: devicesSchema.optional(),
  spdk: spdkSchema(sizeField).optional(),
  /** Whether devices are told what is free on them. */
  discard: z.boolean().default(true),
});

const engineSchema = z.strictObject({
  rank: z.int().min(0).max(65_535).optional(),
  targets: z.int().min(1).max(TARGET_COUNT_MAX).default(1),
  transports: z
    .array(z.enum(['shm', 'tcp', 'verbs']))
    .min(1)
    .default(['shm', 'tcp']),
  address: z
    .union([z.ipv4(), z.ipv6()], { error: 'must be a numeric address, as 192.168.1.5' })
    .default('127.0.0.1'),
  /** Target t listens at port + t; 0: at any port. */
  port: z.int().min(0).max(65_535).default(0),
  /** How long an idle target polls before it sleeps, in microseconds. */
  spin: z.int().min(0).max(1_000_000).default(20),
  pin_cores: z.array(z.int().min(0)).optional(),
  storage: storageSchema.prefault({}),
});

const metadataSchema = z.strictObject({
  /** Members of the cluster, as https://etcd1:2379. */
  etcd: z.array(z.url({ protocol: /^https?$/ })).min(1),
  /** Before every key; `/daos/NAME` when left out. */
  prefix: z.string().startsWith('/').optional(),
  /** Folder with what is shown to etcd: ca.crt, server.crt and server.key. */
  certificates: z.string().startsWith('/', 'must be an absolute path').optional(),
});

const controlSchema = z.strictObject({
  address: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(10_001),
  /** Folder with ca.crt, server.crt and server.key. */
  certificates: z.string().startsWith('/', 'must be an absolute path').optional(),
  /** Where browsers that show a token find the console; 0: at any port; nowhere if left out. */
  console_port: z.int().min(0).max(65_535).optional(),
  /** How other hosts reach this one, where its address does not say it. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** Where control metadata lies when there are several control hosts; here alone if left out. */
  metadata: metadataSchema.optional(),
  /** Of a server that is no control host: those of its system, as https://host1:10001. */
  hosts: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .optional(),
  /** Seconds for which a capability opens containers; clients renew theirs at half of it. */
  capability_life: z
    .int()
    .min(2)
    .max(365 * 86_400)
    .default(7 * 86_400),
  /** Runs without certificates; then on loopback alone. */
  insecure: z.boolean().default(false),
});

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'off'] as const;

const TCP_PORT_MAX = 65_535;

const shapeSchema = z.strictObject({
  name: z.string().min(1).max(64).default('daos_server'),
  data_directory: z.string().startsWith('/', 'must be an absolute path'),
  fault_path: z
    .string()
    .regex(/^(\/[^/]+)+$/, 'must be a path like /rack0/host1')
    .optional(),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
  control: controlSchema.prefault({}),
  engines: z.array(engineSchema).min(1).max(16),
});

export const serverConfigSchema = shapeSchema.superRefine((config, context) => {
  for (const check of [checkRanks, checkCores, checkPorts, checkDevices]) {
    for (const { index, key, message } of check(config)) {
      context.addIssue({ code: 'custom', path: ['engines', index, key], message });
    }
  }
});

export type ServerConfig = z.output<typeof serverConfigSchema>;
export type EngineConfig = ServerConfig['engines'][number] & { readonly rank: number };
export type LogLevel = (typeof LOG_LEVELS)[number];

/** With their ranks: their own, or their place in the list. */
export function enginesOf(config: ServerConfig): EngineConfig[] {
  return config.engines.map((engine, index) => ({ ...engine, rank: engine.rank ?? index }));
}

/** What keys that are right by themselves get wrong together. */
interface Contradiction {
  /** Of the engine. */
  readonly index: number;
  readonly key: string;
  readonly message: string;
}

function* checkRanks(config: ServerConfig): Generator<Contradiction> {
  const seen = new Set<number>();
  for (const [index, { rank }] of enginesOf(config).entries()) {
    if (seen.has(rank)) yield { index, key: 'rank', message: `two engines have rank ${rank}` };
    seen.add(rank);
  }
}

function* checkCores({ engines }: ServerConfig): Generator<Contradiction> {
  for (const [index, { pin_cores, targets }] of engines.entries()) {
    if (!pin_cores || pin_cores.length === targets) continue;
    const message = `names ${pin_cores.length} cores for ${targets} targets`;
    yield { index, key: 'pin_cores', message };
  }
}

/** A device is of one engine, and what else is said of its storage agrees with it. */
function* checkDevices({ engines }: ServerConfig): Generator<Contradiction> {
  const owners = new Map<string, number>();
  for (const [index, { storage }] of engines.entries()) {
    const { devices = [], spdk, arena, capacity } = storage;
    const of = (message: string) => ({ index, key: 'storage', message });
    for (const { path } of devices) {
      const owner = owners.get(path);
      if (owner !== undefined) yield of(`${path} belongs to engines[${owner}] already`);
      owners.set(path, index);
    }
    if (devices.length > 0 && arena === 'pmem') {
      yield of(`'arena: pmem' keeps pools in the data directory: leave 'devices' out`);
    }
    if (devices.length > 0 && capacity !== undefined) {
      yield of(`what pools may take is what the devices hold: leave 'capacity' out`);
    }
    const spdkDevice = devices.find(({ path }) => isSpdk(path));
    if (spdkDevice && !spdk) yield of(`${spdkDevice.path} needs 'spdk' beside 'devices'`);
    if (spdk && !spdkDevice) yield of(`'spdk' is for devices with a path like spdk:NAME`);
  }
}

/** Each target listens at a port of its own. */
function* checkPorts({ control, engines }: ServerConfig): Generator<Contradiction> {
  const taken = new Map<string, string>();
  if (!control.hosts) taken.set(`${control.address}:${control.port}`, 'the control service');
  for (const [index, { address, port, targets }] of engines.entries()) {
    if (port === 0) continue;
    if (port + targets - 1 > TCP_PORT_MAX) {
      const message = `${targets} targets from ${port} on go beyond port ${TCP_PORT_MAX}`;
      yield { index, key: 'port', message };
    }
    for (let each = port; each < port + targets; each++) {
      const owner = taken.get(`${address}:${each}`);
      if (owner !== undefined) {
        yield { index, key: 'port', message: `${address}:${each} belongs to ${owner} already` };
        break;
      }
      taken.set(`${address}:${each}`, `engines[${index}]`);
    }
  }
}
