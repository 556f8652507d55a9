// What the store holds about a rank: one engine of the system.

import * as z from 'zod';
import { deviceGroupSchema } from './device-group.js';
import { addressField, bytesField, rankField } from './fields.js';
import { RANK_STATES } from './rank-state.js';
import { RecordType } from './record.js';

export const rankStateField = z.enum(RANK_STATES);

export const rankRecord = new RecordType({
  name: 'rank',
  migrations: [],
  schema: z.object({
    rank: rankField,
    state: rankStateField,
    /**
     * Why the state is what it is, where that is not plain: the last words of an engine that died.
     */
    reason: z.string().optional(),
    /** Counts the starts of the engine. */
    incarnation: z.int().min(0),
    host: z.string(),
    /** Where its server takes commands; absent: at the control host itself. */
    controlUrl: z.string().optional(),
    /** Path of failure domains, as `/rack0/host1`. */
    faultDomain: z.string().regex(/^(\/[^/]+)+$/, 'a fault domain is a path like /rack0/host1'),
    targetCount: z.int().min(1),
    /** By target; empty while the engine is not running. */
    addresses: z.array(z.array(addressField)),
    /** What pools may take of the storage (arenas and data), and of memory (arenas). */
    storageCapacityBytes: bytesField,
    memoryCapacityBytes: bytesField,
    /** Where the engine has devices of its own: what the storage is made of. */
    deviceGroups: z.array(deviceGroupSchema).optional(),
  }),
});

export type RankFields = z.infer<typeof rankRecord.schema>;

export const RANK_PREFIX = '/ranks/';
/** Padded, so that a range is in order of rank. */
export const rankKey = (rank: number) => RANK_PREFIX + String(rank).padStart(5, '0');
