// Reads and changes the properties of the system as a whole.

import { readRecord, type ControlContext } from './control-context.js';
import {
  SYSTEM_PROPERTIES_DEFAULT,
  systemPropertiesField,
  type SystemProperties,
  type SystemPropertyChanges,
} from './records/system-properties.js';
import { SYSTEM_KEY, systemRecord } from './records/system-record.js';

type PropertyContext = Pick<ControlContext, 'store'>;

export async function getSystemProperties(context: PropertyContext): Promise<SystemProperties> {
  const stored = await readRecord(context, systemRecord, SYSTEM_KEY);
  return withDefaults(stored?.fields.properties ?? {});
}

export async function changeSystemProperties(
  context: PropertyContext,
  changes: SystemPropertyChanges,
): Promise<SystemProperties> {
  for (;;) {
    const stored = await readRecord(context, systemRecord, SYSTEM_KEY);
    const { attributes = {}, properties: old = {} } = stored?.fields ?? {};
    const kept = Object.entries({ ...old, ...changes }).filter(([, value]) => value != null);
    const properties = systemPropertiesField.partial().parse(Object.fromEntries(kept));
    const condition = { key: SYSTEM_KEY, modRevision: stored?.modRevision ?? 0 };
    const value = systemRecord.encode({ attributes, properties });
    const { succeeded } = await context.store.txn([condition], [{ put: SYSTEM_KEY, value }]);
    if (succeeded) return withDefaults(properties);
  }
}

function withDefaults(set: { [N in keyof SystemProperties]?: SystemProperties[N] | undefined }) {
  const {
    pool_reclaim = SYSTEM_PROPERTIES_DEFAULT.pool_reclaim,
    pool_space_rb = SYSTEM_PROPERTIES_DEFAULT.pool_space_rb,
    pool_tier_ratio = SYSTEM_PROPERTIES_DEFAULT.pool_tier_ratio,
  } = set;
  return { pool_reclaim, pool_space_rb, pool_tier_ratio };
}
