// Revokes every handle of a pool: a new key, from which on engines let in nobody who shows a
// capability of an earlier one.
//
//   1. One transaction records the new key. A rank that joins from here on gets it.
//   2. Every running engine of the pool gets it, and drops what was opened with the old one.

import { DaosError } from '@daos/model';
import { readRecord, type ControlContext } from '../control-context.js';
import {
  newSecret,
  poolSecretKey,
  poolSecretRecord,
  type PoolSecret,
} from '../security/capability.js';
import { findPool } from './find-pool.js';

/** DER_UNREACH when an engine could not be told: repeating tells it again. */
export async function evictPool(context: ControlContext, name: string): Promise<void> {
  const { fields } = await findPool(context, name);
  await context.poolMutex.run(fields.uuid, async () => {
    const key = await renewSecret(context, fields.uuid);
    const outcomes = await Promise.allSettled(
      fields.ranks.map(({ rank }) =>
        context.engines.engineOf(rank).setPoolKey({ uuid: fields.uuid, key }),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  });
}

async function renewSecret(context: ControlContext, uuid: string): Promise<PoolSecret> {
  const key = poolSecretKey(uuid);
  const old = await readRecord(context, poolSecretRecord, key);
  const secret = newSecret((old?.fields.keyVersion ?? 0) + 1);
  const { succeeded } = await context.store.txn(
    [{ key, modRevision: old?.modRevision ?? 0 }],
    [{ put: key, value: poolSecretRecord.encode(secret) }],
  );
  if (succeeded) return secret;
  throw new DaosError('DER_AGAIN', 'the pool got another key meanwhile');
}

/** What an engine is told before it opens a pool; undefined for one that lets everyone in. */
export async function keyOfPool(
  context: ControlContext,
  uuid: string,
): Promise<{ key?: PoolSecret }> {
  const secret = await readRecord(context, poolSecretRecord, poolSecretKey(uuid));
  return secret ? { key: secret.fields } : {};
}
