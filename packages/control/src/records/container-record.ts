// What the store holds about a container.
//
// Life cycle: (absent) → creating → ready → destroying → (absent); creating → destroying when a
//             step fails. ready → rollingBack → ready.

import { OBJECT_CLASSES } from '@daos/model';
import * as z from 'zod';
import { aclField, CONTAINER_ACL_DEFAULT, principalField } from '../security/acl.js';
import { quotaAmountsSchema } from '../engines/engine-control.js';
import {
  attributesField,
  bytesField,
  epochField,
  labelField,
  rankField,
  uuidField,
} from './fields.js';
import { ownedByRoot } from './pool-record.js';
import { RecordType } from './record.js';

/** Layouts that DAOS names; middleware finds its own containers by them. */
export const layoutTypeField = z.enum([
  'unknown',
  'POSIX',
  'HDF5',
  'PYTHON',
  'SPARK',
  'DATABASE',
  'ROOT',
  'SEISMIC',
  'METEO',
  'ARROW',
]);

/** Classes whose objects are kept once: engines serve no others. */
const SERVED_CLASSES = Object.entries(OBJECT_CLASSES)
  .filter(([, { copyCount, parityCount }]) => copyCount === 1 && parityCount === 0)
  .map(([name]) => name);
const objectClassField = z.enum(SERVED_CLASSES, {
  error: `must be one of ${SERVED_CLASSES.join(', ')}: engines keep nothing twice`,
});

/**
 * Properties of a container. A property is accepted here once the data path honours it, not before.
 */
export const containerPropertiesField = z.strictObject({
  layout_type: layoutTypeField.default('unknown'),
  /** Of objects whose maker names none. */
  oclass: objectClassField.default('S1'),
  /** Checksums that clients make, engines keep and clients compare; crc32 is CRC-32C. */
  cksum: z.enum(['off', 'crc32', 'crc64', 'sha256']).default('crc32'),
  /** Bytes that one checksum covers. */
  cksum_size: z.int().min(1024).max(1_048_576).default(32_768),
  /** Engines compare what arrives with its checksums before they store it. */
  srv_cksum: z.enum(['on', 'off']).default('on'),
  /** What the container may use, with every version that is kept; 0: what the pool has. */
  quota_bytes: bytesField.default(0),
  /** Each object counts once on every target that holds some of it; 0: any number. */
  quota_objects: bytesField.default(0),
});
export type ContainerProperties = z.infer<typeof containerPropertiesField>;

/**
 * A pinned epoch of a container. Life cycle: (absent) → creating → ready → destroying → (absent).
 * Invariant: whatever an engine pins is named here, whatever its state.
 */
export const snapshotField = z.object({
  epoch: epochField,
  /** Unique in its container. */
  name: labelField.optional(),
  state: z.enum(['creating', 'ready', 'destroying']),
  createdMs: z.int(),
  requestKey: z.string().optional(),
});
export type SnapshotFields = z.infer<typeof snapshotField>;

/** The state of a container that another one was made from. */
export const originField = z.object({
  poolUuid: uuidField,
  containerUuid: uuidField,
  generation: z.int().min(0),
  epoch: epochField,
});

export const containerRecord = new RecordType({
  name: 'container',
  migrations: [
    (fields) => ({ ...fields, ...ownedByRoot, acl: CONTAINER_ACL_DEFAULT }),
    (fields) => ({ ...fields, snapshots: [] }),
    // What is new may be absent; a program that would drop it must not write the record.
    (fields) => fields,
    (fields) => ({ ...fields, generation: 0 }),
  ],
  schema: z.object({
    uuid: uuidField,
    poolUuid: uuidField,
    label: labelField,
    state: z.enum(['creating', 'ready', 'rollingBack', 'destroying']),
    /** Principals, as `alice@`. */
    owner: principalField,
    ownerGroup: principalField,
    acl: aclField,
    properties: containerPropertiesField,
    attributes: attributesField,
    /** Rises with each rollback: epochs of one generation are those of one history. */
    generation: z.int().min(0),
    /** Of a clone. */
    origin: originField.optional(),
    /** In order of epoch. */
    snapshots: z.array(snapshotField),
    /** Of a container in `rollingBack`: where it goes back to. */
    rollbackEpoch: epochField.optional(),
    /** Of a container with a quota: what each target may use. */
    quotaParts: z
      .array(z.object({ rank: rankField, parts: z.array(quotaAmountsSchema) }))
      .optional(),
    /** Of the pool map when nothing of the container was lost, as far as is known. */
    healthyMapVersion: z.int().optional(),
    createdMs: z.int(),
    requestKey: z.string().optional(),
  }),
});

export type ContainerFields = z.infer<typeof containerRecord.schema>;

export const containerPrefix = (poolUuid: string) => `/containers/${poolUuid}/`;
export const containerKey = (poolUuid: string, uuid: string) => containerPrefix(poolUuid) + uuid;
/** Holds the UUID of the container with this label. */
export const containerLabelKey = (poolUuid: string, label: string) =>
  `/container-labels/${poolUuid}/${label}`;
