// How the control plane commands an engine, whatever carries the messages: a process's channel, the
// fabric, or a plain call.
//
// Every method is safe to repeat: creating what is there with the same sizes, opening what is open
// and destroying what is gone all succeed. That is what lets an interrupted life cycle be carried
// on from its start.

import * as z from 'zod';
import { deviceRoleField } from '../records/device-group.js';
import { addressField, bytesField, epochField, uuidField } from '../records/fields.js';
import { poolMapSchema } from '../records/pool-map.js';
import { poolPropertiesField } from '../records/pool-properties.js';
import type { HostScan } from './host-scan.js';

export * from '../records/device-group.js';

const usageField = z.object({ usedBytes: bytesField, totalBytes: bytesField });

export const poolUsageSchema = z.object({
  targets: z.array(
    z.object({
      index: z.int().min(0),
      arena: usageField,
      data: usageField.extend({
        prewrittenBytes: bytesField
          .optional()
          .meta({ description: 'Of the data area, written in advance' }),
      }),
      containerCount: z.int().min(0).optional(),
      failure: z.string().optional().meta({ description: 'Why the target has stopped' }),
    }),
  ),
});

/** Space of a pool on one engine, target by target. */
export type PoolUsage = z.infer<typeof poolUsageSchema>;

/** Operations of one kind since an engine opened the pool. */
export const operationMetricsSchema = z.object({
  operation: z.string(),
  count: z.int().min(0),
  failedCount: z.int().min(0),
  bytes: bytesField,
  latencySumNs: z.number().min(0),
  latencyCounts: z
    .array(z.int().min(0))
    .meta({ description: 'Element b counts what took up to 2^b µs; the last also longer' }),
});
export type OperationMetrics = z.infer<typeof operationMetricsSchema>;

export const poolMetricsSchema = z.object({
  targets: z.array(
    z.object({ index: z.int().min(0), operations: z.array(operationMetricsSchema) }),
  ),
});
/** What one engine did for a pool, target by target. */
export type PoolMetrics = z.infer<typeof poolMetricsSchema>;

/** Bytes with every version that is kept, and objects; what is left out is unlimited. */
export const quotaAmountsSchema = z.object({
  bytes: bytesField.optional(),
  objects: bytesField.optional(),
});
export type QuotaAmounts = z.infer<typeof quotaAmountsSchema>;

export const containerUsageSchema = z.object({
  targets: z.array(
    z.object({
      bytes: bytesField,
      objects: bytesField,
      /** By updates that wait for more of the quota. */
      wantedBytes: bytesField,
      wantedObjects: bytesField,
    }),
  ),
});
/** What a container uses of one engine, target by target. */
export type ContainerUsage = z.infer<typeof containerUsageSchema>;

const deviceHealthField = z.object({
  isAvailable: z.boolean(),
  why: z.string().meta({ description: 'Not available: why not' }),
  criticalWarning: z.int(),
  temperatureKelvin: z.int(),
  sparePercent: z.int(),
  spareThresholdPercent: z.int(),
  usedPercent: z.int(),
  powerOnHours: z.number(),
  unsafeShutdownCount: z.number(),
  mediaErrorCount: z.number(),
});

export const engineDeviceSchema = z.object({
  target: z.int().min(0),
  pool: uuidField,
  path: z.string(),
  roles: z.array(deviceRoleField).meta({ description: 'Of the share, that lie there' }),
  sizeBytes: bytesField,
  isFaulty: z.boolean(),
  failure: z.string().meta({ description: 'Of a faulty one: its first fatal error' }),
  durableWriteCount: z.number(),
  operations: z.array(
    z.object({
      operation: z.string(),
      count: z.number(),
      bytes: z.number(),
      errorCount: z.number(),
      p50Ns: z.number(),
      p99Ns: z.number(),
      p999Ns: z.number(),
    }),
  ),
  health: deviceHealthField,
});

/** A device that an engine was given for its pools. */
export const ownDeviceSchema = z.object({
  path: z.string(),
  uuid: z.string(),
  roles: z.array(deviceRoleField),
  sizeBytes: bytesField,
  targets: z.array(z.int().min(0)).meta({ description: 'That use it' }),
  bytesPerTarget: bytesField.meta({ description: 'For what pools keep there' }),
  state: z
    .enum(['normal', 'faulty', 'new'])
    .meta({ description: 'new: in place of a faulty one, with shares still to be made anew' }),
  why: z.string().meta({ description: 'Of a faulty one' }),
  discardedBytes: bytesField.meta({
    description: 'Of what pools gave up, since the engine was started',
  }),
  discardErrorCount: z.int().min(0),
});
export type OwnDevice = z.infer<typeof ownDeviceSchema>;

const nothing = z.object({});
const poolReference = z.object({ uuid: uuidField });
/** What capabilities are sealed with; known to the engine before the pool is open. */
const poolKeyField = z.object({
  keyVersion: z.int().min(1),
  secret: z.string(),
  /** Of the latest eviction. */
  serial: z.int().min(0),
  /** Of a container or of a machine: what was sealed under an earlier serial is revoked. */
  evictions: z.array(
    z.object({
      container: uuidField.optional(),
      /** As capabilities name it: 16 hexadecimal digits. */
      machine: z.string().regex(/^[0-9a-f]{16}$/).optional(),
      serial: z.int().min(1),
    }),
  ),
});
export type PoolKeyMessage = z.infer<typeof poolKeyField>;
const containerReference = z.object({ pool: uuidField, uuid: uuidField });

/** The messages: what each method takes and answers. Both ends of a transport check them. */
export const ENGINE_METHODS = {
  /** Sizes are per target. */
  createPool: {
    parameters: z.object({
      uuid: uuidField,
      arenaBytes: bytesField,
      dataBytes: bytesField,
      key: poolKeyField.optional(),
      properties: poolPropertiesField.optional(),
    }),
    result: nothing,
  },
  /**
   * Gives the data area of each target another size. What lies behind a nearer end is moved first,
   * while the pool is in use; then the pool is closed for the moment. DER_INPROGRESS: there is more
   * to move, ask again. Targets may differ after a failure.
   */
  resizePool: { parameters: poolReference.extend({ dataBytes: bytesField }), result: nothing },
  openPool: {
    parameters: poolReference.extend({
      key: poolKeyField.optional(),
      properties: poolPropertiesField.optional(),
    }),
    result: nothing,
  },
  /** Of an open pool, or before. */
  setPoolProperties: {
    parameters: poolReference.extend({ properties: poolPropertiesField }),
    result: nothing,
  },
  /**
   * Handles that were opened with an earlier key, or that an eviction names, are gone. An older key
   * is ignored.
   */
  setPoolKey: { parameters: poolReference.extend({ key: poolKeyField }), result: nothing },
  /**
   * From here on clients that go by an older map get this one. An older one is ignored. Before the
   * pool is open, too.
   */
  setPoolMap: { parameters: poolReference.extend({ map: poolMapSchema }), result: nothing },
  destroyPool: { parameters: poolReference, result: nothing },
  createContainer: { parameters: containerReference, result: nothing },
  destroyContainer: { parameters: containerReference, result: nothing },
  /** Later than every write that has been acknowledged here. */
  newEpoch: { parameters: nothing, result: z.object({ epoch: epochField }) },
  /**
   * Pins these epochs of a container and no others. What is written from here on is later than all
   * of them.
   */
  setContainerSnapshots: {
    parameters: containerReference.extend({ epochs: z.array(epochField) }),
    result: nothing,
  },
  /** Drops all that was written after the epoch. Handles that were open are gone. */
  rollbackContainer: {
    parameters: containerReference.extend({ epoch: epochField }),
    result: nothing,
  },
  /** What each target may use for a container; may come before pool or container are there. */
  setContainerQuota: {
    parameters: containerReference.extend({
      whole: quotaAmountsSchema.meta({ description: 'Of the container, for messages' }),
      isUsedUp: z.boolean(),
      parts: z.array(quotaAmountsSchema),
    }),
    result: nothing,
  },
  containerUsage: { parameters: containerReference, result: containerUsageSchema },
  /** The same, and what is used becomes what may be used. */
  freezeContainerQuota: { parameters: containerReference, result: containerUsageSchema },
  /** Waits a while for containers that want more than they may use; none: ask again. */
  awaitQuotaRequests: {
    parameters: nothing,
    result: z.object({ containers: z.array(containerReference) }),
  },
  queryPool: { parameters: poolReference, result: poolUsageSchema },
  /** None where pools lie in the engine's data directory. */
  listDevices: { parameters: nothing, result: z.object({ devices: z.array(ownDeviceSchema) }) },
  queryDevices: { parameters: nothing, result: z.object({ devices: z.array(engineDeviceSchema) }) },
  poolMetrics: { parameters: poolReference, result: poolMetricsSchema },
  /** Gives a device up: its target stops, and stays so over restarts. */
  setDeviceFaulty: {
    parameters: z.object({ path: z.string(), why: z.string() }),
    result: nothing,
  },
  /** Formats what lies in place of a faulty device of the engine; the shares there are lost. */
  renewDevice: {
    parameters: z.object({ path: z.string(), isForced: z.boolean() }),
    result: nothing,
  },
  /** A new, empty share in place of the one that stood on a faulty device; sizes are per target. */
  replaceDevice: {
    parameters: z.object({
      path: z.string(),
      pool: uuidField,
      arenaBytes: bytesField,
      dataBytes: bytesField,
      containers: z.array(uuidField),
      acceptsDataLoss: z.boolean(),
    }),
    result: nothing,
  },
  /** By target. */
  addresses: {
    parameters: nothing,
    result: z.object({ targets: z.array(z.array(addressField)) }),
  },
  /** Makes everything durable, then ends the engine. */
  stop: { parameters: nothing, result: nothing },
} as const;

export type EngineMethod = keyof typeof ENGINE_METHODS;
export type EngineParameters<M extends EngineMethod> = z.infer<
  (typeof ENGINE_METHODS)[M]['parameters']
>;
export type EngineResult<M extends EngineMethod> = z.infer<(typeof ENGINE_METHODS)[M]['result']>;

/** DER_UNREACH when the engine is not running, otherwise what the engine answers. */
export type EngineControl = {
  readonly [M in EngineMethod]: (parameters: EngineParameters<M>) => Promise<EngineResult<M>>;
};

/** Finds the engine of a rank. */
export interface EngineDirectory {
  /** DER_UNREACH when the rank is not running or unknown. */
  engineOf(rank: number): EngineControl;
  /** Absent where engines come and go with their program. */
  readonly power?: EnginePower;
  /** What the server of a rank sees of its machine. */
  readonly scanHost?: (rank: number) => Promise<HostScan>;
  /** The light of the slot of a device of that rank. DER_NOSYS for one that has none. */
  readonly setDeviceLight?: (rank: number, path: string, isOn: boolean) => Promise<void>;
  /** Formats the devices of a rank whose engine waits for that, and starts it. */
  readonly formatStorage?: (rank: number, options: { isForced: boolean }) => Promise<void>;
  /** Of the server of a rank and all its engines; undefined: as its configuration says. */
  readonly setLogLevel?: (rank: number, level: string | undefined) => Promise<void>;
}

/** Starts and stops engines; both are done already for one that is as it should be. */
export interface EnginePower {
  start(rank: number): Promise<void>;
  /** In good order, or at once. */
  stop(rank: number, options: { isForced: boolean }): Promise<void>;
}
