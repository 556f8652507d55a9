// What the store holds about a container.
//
// Life cycle: (absent) → creating → ready → destroying → (absent); creating → destroying when a
//             step fails. ready → rollingBack → ready.

import * as z from 'zod';
import { aclField, CONTAINER_ACL_DEFAULT, principalField } from '../security/acl.js';
import { quotaAmountsSchema } from '../engines/engine-control.js';
import { containerPropertiesField } from './container-properties.js';
import {
  attributesField,
  epochField,
  labelField,
  rankField,
  uuidField,
} from './fields.js';
import { ownedByRoot } from './pool-record.js';
import { RecordType } from './record.js';

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
    // Properties that are new have their defaults.
    (fields) => fields,
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
