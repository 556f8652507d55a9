// Properties of a pool that engines honour, under DAOS's names.

import * as z from 'zod';

export const poolPropertiesField = z.strictObject({
  /** When versions that nobody can read are dropped: always, while the pool idles, never. */
  reclaim: z.enum(['time', 'lazy', 'disabled']).default('time'),
  /** Percent of the space of each tier that updates leave free. */
  space_rb: z.int().min(0).max(100).default(0),
});
export type PoolProperties = z.infer<typeof poolPropertiesField>;

export const POOL_PROPERTIES_DEFAULT: PoolProperties = poolPropertiesField.parse({});

/** What a request gives of them: the others stay as they are. */
export const poolPropertyChangesSchema = z.strictObject({
  reclaim: poolPropertiesField.shape.reclaim.unwrap().optional(),
  space_rb: poolPropertiesField.shape.space_rb.unwrap().optional(),
});
export type PoolPropertyChanges = z.infer<typeof poolPropertyChangesSchema>;
