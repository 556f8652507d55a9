// Properties of the system as a whole: what is taken for that which a request leaves open.

import * as z from 'zod';
import { POOL_PROPERTIES_DEFAULT, poolPropertiesField } from './pool-properties.js';

/** Share of a pool's size that its arenas get where nobody says otherwise. */
export const TIER_RATIO_DEFAULT = 0.06;

/** All have an effect; those that DAOS has for what is not here are refused with the reason. */
export const systemPropertiesField = z.strictObject({
  /** Of pools that are created without these properties. */
  pool_reclaim: poolPropertiesField.shape.reclaim.unwrap(),
  pool_space_rb: poolPropertiesField.shape.space_rb.unwrap(),
  /** Percent of the size of pools that are created by their size. */
  pool_tier_ratio: z.number().min(0).max(100),
});
export type SystemProperties = z.infer<typeof systemPropertiesField>;

export const SYSTEM_PROPERTIES_DEFAULT: SystemProperties = {
  pool_reclaim: POOL_PROPERTIES_DEFAULT.reclaim,
  pool_space_rb: POOL_PROPERTIES_DEFAULT.space_rb,
  pool_tier_ratio: TIER_RATIO_DEFAULT * 100,
};

const { shape } = systemPropertiesField;
const refused = (error: string) => z.never({ error }).optional();
const ofNoScrubber = refused('nothing scrubs pools here: checksums are compared on every read');

/** What a request changes: null takes a property back to its default. */
export const systemPropertyChangesSchema = z.strictObject({
  pool_reclaim: shape.pool_reclaim.nullable().optional(),
  pool_space_rb: shape.pool_space_rb.nullable().optional(),
  pool_tier_ratio: shape.pool_tier_ratio.nullable().optional(),
  daos_version: refused('tells what runs, and cannot be set'),
  daos_system: refused("is what the servers' configurations call the system ('name')"),
  pool_scrub_mode: ofNoScrubber,
  pool_scrub_thresh: ofNoScrubber,
  self_heal: refused(
    "nothing moves data on its own: a rank is taken out by 'dmg system exclude' alone",
  ),
});
export type SystemPropertyChanges = z.infer<typeof systemPropertyChangesSchema>;
