// From the names a caller gives to the container's record.

import { DaosError } from '@daos/model';
import { readRecord, type ControlContext } from '../control-context.js';
import {
  containerKey,
  containerLabelKey,
  containerRecord,
  type ContainerFields,
} from '../records/container-record.js';
import { isUuid } from '../records/fields.js';
import { uuidRecord, type PoolFields } from '../records/pool-record.js';
import type { Stored } from '../records/record.js';

/** A container in any state, by label or UUID. DER_NONEXIST. */
export async function findContainerInAnyState(
  context: ControlContext,
  pool: PoolFields,
  name: string,
): Promise<Stored<ContainerFields>> {
  const uuid = isUuid(name)
    ? name.toLowerCase()
    : (await readRecord(context, uuidRecord, containerLabelKey(pool.uuid, name)))?.fields.uuid;
  const key = uuid && containerKey(pool.uuid, uuid);
  const container = key && (await readRecord(context, containerRecord, key));
  if (!container) {
    throw new DaosError(
      'DER_NONEXIST',
      `there is no container '${name}' in pool '${pool.label}': ` +
        `see 'daos container list ${pool.label}'`,
    );
  }
  return container;
}

/**
 * A container that can be used. DER_NONEXIST, or DER_INPROGRESS while it is created or destroyed.
 */
export async function findContainer(
  context: ControlContext,
  pool: PoolFields,
  name: string,
): Promise<Stored<ContainerFields>> {
  const container = await findContainerInAnyState(context, pool, name);
  if (container.fields.state !== 'ready') {
    throw new DaosError('DER_INPROGRESS', `container '${name}' is ${container.fields.state}`);
  }
  return container;
}
