// Finishes the containers of a pool whose creation or destruction was interrupted: none of them was
// ever acknowledged.

import { DaosError } from '@daos/model';
import { readRecords, type ControlContext } from '../control-context.js';
import { containerPrefix, containerRecord } from '../records/container-record.js';
import type { PoolFields } from '../records/pool-record.js';
import { removeContainer } from './destroy-container.js';

/**
 * Leaves alone what this process is at work on: that runs under the mutex, and is ready or gone
 * afterwards.
 */
export async function healContainers(context: ControlContext, pool: PoolFields): Promise<void> {
  const containers = await readRecords(context, containerRecord, containerPrefix(pool.uuid));
  for (const { key, fields } of containers.filter((c) => c.fields.state !== 'ready')) {
    await context.poolMutex.run(`${pool.uuid}/${fields.label}`, async () => {
      const entry = await context.store.get(key);
      if (!entry || containerRecord.decode(entry).fields.state === 'ready') return;
      try {
        await removeContainer(context, pool, fields);
      } catch (error) {
        if (!DaosError.is(error, 'DER_UNREACH')) throw error;
      }
    });
  }
}
