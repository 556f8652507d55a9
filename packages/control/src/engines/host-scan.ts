// What a server sees of its machine: what pools could be made of.

import * as z from 'zod';
import { deviceRoleField } from '../records/device-group.js';
import { bytesField, rankField } from '../records/fields.js';

export const hostScanSchema = z.object({
  version: z.string().optional().meta({ description: 'Of the server; earlier ones say none' }),
  coreCount: z.int(),
  numaNodes: z.array(z.array(z.int()).readonly()).readonly(),
  memoryBytes: bytesField,
  freeMemoryBytes: bytesField,
  hugePageCount: z.int(),
  interfaces: z.array(z.object({ name: z.string(), address: z.string() })).readonly(),
  rdmaDevices: z.array(z.string()).readonly(),
  blockDevices: z
    .array(
      z.object({
        name: z.string(),
        path: z.string().optional(),
        sizeBytes: bytesField,
        use: z.string().optional().meta({ description: 'What lies there, or who has it' }),
      }),
    )
    .readonly(),
});
export type HostScan = z.infer<typeof hostScanSchema>;

/** One host of the system; without `scan` when its server does not answer. */
export const hostStorageSchema = z.object({
  host: z.string(),
  ranks: z.array(rankField),
  scan: hostScanSchema.optional(),
  error: z.string().optional(),
});
export type HostStorage = z.infer<typeof hostStorageSchema>;

const tierSchema = z.object({ totalBytes: bytesField, freeBytes: bytesField });

/** What pools may take of a rank, and what none has taken. */
export const rankUsageSchema = z.object({
  rank: rankField,
  host: z.string(),
  storage: tierSchema,
  memory: tierSchema,
  usable: z
    .object({ arenaBytes: bytesField, dataBytes: bytesField })
    .meta({ description: 'Of a pool that took all that is free' }),
  tiers: z
    .array(tierSchema.extend({ roles: z.array(deviceRoleField) }))
    .optional()
    .meta({ description: 'Of an engine with devices of its own, by their roles' }),
});
export type RankUsage = z.infer<typeof rankUsageSchema>;
