// What the store holds about a pool.
//
// Life cycle: (absent) → creating → ready → destroying → (absent); creating → destroying when a
//             step fails.
// Invariant:  while a record exists its label is taken and its space is reserved on every rank it
//             names.

import * as z from 'zod';
import { aclField, POOL_ACL_DEFAULT, principalField } from '../security/acl.js';
import { attributesField, bytesField, labelField, rankField, uuidField } from './fields.js';
import { POOL_PROPERTIES_DEFAULT, poolPropertiesField } from './pool-properties.js';
import { RecordType } from './record.js';

export const poolStateField = z.enum(['creating', 'ready', 'destroying']);

export const targetStateField = z.enum(['new', 'up', 'drain', 'down', 'excluded']);

/** Of records that were written when nothing had an owner. */
export const ownedByRoot = { owner: 'root@', ownerGroup: 'root@' };

export const poolRecord = new RecordType({
  name: 'pool',
  migrations: [
    (fields) => ({ ...fields, ...ownedByRoot, acl: POOL_ACL_DEFAULT }),
    // What is new may be absent; a program that would drop it must not write the record.
    (fields) => fields,
    (fields) => ({ ...fields, properties: POOL_PROPERTIES_DEFAULT }),
  ],
  schema: z.object({
    uuid: uuidField,
    label: labelField,
    state: poolStateField,
    /** Principals, as `alice@`. */
    owner: principalField,
    ownerGroup: principalField,
    acl: aclField,
    /** Version of the pool map; changes with `targets`. */
    mapVersion: z.int().min(1),
    /** Per target: metadata and small values. */
    arenaBytes: bytesField,
    /** Per target: bulk data. */
    dataBytes: bytesField,
    /** Of a pool that is being resized: what `dataBytes` is to become. The larger is reserved. */
    resizedDataBytes: bytesField.optional(),
    /** Of the map, when targets were last taken out of it. */
    lossMapVersion: z.int().optional(),
    ranks: z.array(
      z.object({ rank: rankField, targets: z.array(z.object({ state: targetStateField })) }),
    ),
    createdMs: z.int(),
    attributes: attributesField,
    properties: poolPropertiesField,
    /** Idempotency key of the request that made it: the same request again finds its own pool. */
    requestKey: z.string().optional(),
  }),
});

export type PoolFields = z.infer<typeof poolRecord.schema>;

export const poolKey = (uuid: string) => `/pools/${uuid}`;
export const POOL_PREFIX = '/pools/';
/** Holds the UUID of the pool with this label. */
export const poolLabelKey = (label: string) => `/pool-labels/${label}`;
/**
 * Changed by every transaction that reserves or frees space: who plans a pool compares it, so that
 * two plans never count on the same bytes.
 */
export const RESERVATION_KEY = '/reservation';

export const uuidRecord = new RecordType({
  name: 'label',
  migrations: [],
  schema: z.object({ uuid: uuidField }),
});
