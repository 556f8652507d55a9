// From the name a caller gives to the pool's record.

import { DaosError } from '@daos/model';
import { readRecord, type ControlContext } from '../control-context.js';
import { isUuid } from '../records/fields.js';
import {
  poolKey,
  poolLabelKey,
  poolRecord,
  uuidRecord,
  type PoolFields,
} from '../records/pool-record.js';
import type { Stored } from '../records/record.js';

/** A pool in any state, by label or UUID. DER_NONEXIST. */
export async function findPoolInAnyState(
  context: ControlContext,
  name: string,
): Promise<Stored<PoolFields>> {
  const uuid = isUuid(name)
    ? name.toLowerCase()
    : (await readRecord(context, uuidRecord, poolLabelKey(name)))?.fields.uuid;
  const pool = uuid && (await readRecord(context, poolRecord, poolKey(uuid)));
  if (!pool) {
    throw new DaosError('DER_NONEXIST', `there is no pool '${name}': see 'dmg pool list'`);
  }
  return pool;
}

/** A pool that can be used. DER_NONEXIST, or DER_INPROGRESS while it is created or destroyed. */
export async function findPool(context: ControlContext, name: string): Promise<Stored<PoolFields>> {
  const pool = await findPoolInAnyState(context, name);
  if (pool.fields.state !== 'ready') {
    throw new DaosError('DER_INPROGRESS', `pool '${name}' is ${pool.fields.state}`);
  }
  return pool;
}
