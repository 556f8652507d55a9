// Properties of a container, under DAOS's names. A property is accepted here once the data path
// honours it, not before; of what is not there the value that says so is.

import { OBJECT_CLASSES } from '@daos/model';
import * as z from 'zod';
import { bytesField } from './fields.js';

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
/** Of any container. */
export const SNAPSHOT_COUNT_MAX = 256;

const off = (why: string) => z.literal('off', { error: `must be off: ${why}` }).default('off');

export const containerPropertiesField = z.strictObject({
  layout_type: layoutTypeField.default('unknown'),
  /** Of objects whose maker names none. */
  oclass: objectClassField.default('S1'),
  /** Bytes under one dkey, of arrays whose maker says nothing else. */
  chunk_size: z.int().min(4096).max(1_073_741_824).default(1_048_576),
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
  /** One more is refused; 0: as many as there may be. */
  max_snapshot: z.int().min(0).max(SNAPSHOT_COUNT_MAX).default(0),
  rd_fac: z.literal(0, { error: 'must be 0: engines keep nothing twice' }).default(0),
  compression: off('values are stored as they are'),
  encryption: off('values are stored as they are'),
  dedup: off('equal values are stored each by itself'),
});
export type ContainerProperties = z.infer<typeof containerPropertiesField>;

const refused = (error: string) => z.never({ error }).optional();
const withoutCopies = refused('is about objects that are kept more than once, and none are');
const byOption = (option: string) => refused(`is given by ${option}`);

/** Of a request: what is DAOS's and not here is refused with the reason. */
export const newContainerPropertiesSchema = containerPropertiesField.extend({
  rd_lvl: withoutCopies,
  ec_cell_sz: withoutCopies,
  ec_pda: withoutCopies,
  rp_pda: withoutCopies,
  perf_domain: withoutCopies,
  dedup_threshold: refused('is about deduplication, which is not there'),
  scrubber_disabled: refused('nothing scrubs containers: checksums are compared on every read'),
  layout_ver: refused('is for layouts that are kept elsewhere: keep it as an attribute (--attrs)'),
  alloc_oid: refused('object ids are chosen at random, and none is handed out'),
  status: refused('a new container is healthy'),
  label: byOption('its own parameter'),
  owner: byOption('--user'),
  group: byOption('--group'),
  acl: byOption('--acl-file'),
});
