// Attributes that users set on pools and containers: names and values of their own, which nothing
// here interprets.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import { updateRecord, type ControlContext } from './control-context.js';
import { findContainer } from './containers/find-container.js';
import { findPool } from './pools/find-pool.js';
import { answerAhead, type RequestIdentity } from './records/answer-record.js';
import { containerRecord, type ContainerFields } from './records/container-record.js';
import { attributesField } from './records/fields.js';
import { poolRecord, type PoolFields } from './records/pool-record.js';

/** All attributes of one pool or container together, as JSON. */
export const ATTRIBUTES_SIZE_MAX = 512 * 1024;

export type Attributes = z.infer<typeof attributesField>;

export const changeAttributesSchema = z.strictObject({
  set: attributesField.default({}),
  delete: z.array(z.string()).default([]),
});
export type AttributeChanges = z.infer<typeof changeAttributesSchema>;

export async function getPoolAttributes(
  context: ControlContext,
  pool: string,
): Promise<Attributes> {
  return (await findPool(context, pool)).fields.attributes;
}

/** DER_NONEXIST when one to delete is not there; nothing is changed then. */
export async function changePoolAttributes(
  context: ControlContext,
  pool: string,
  changes: AttributeChanges,
  request?: RequestIdentity,
): Promise<Attributes> {
  const { key } = await findPool(context, pool);
  const next = (old: PoolFields) => ({ ...old, attributes: changed(old.attributes, changes) });
  const fields = await updateRecord(context, poolRecord, key, next, ({ attributes }) =>
    answerAhead(context, request, { attributes }),
  );
  return fields.attributes;
}

export async function getContainerAttributes(
  context: ControlContext,
  poolName: string,
  container: string,
): Promise<Attributes> {
  const pool = await findPool(context, poolName);
  return (await findContainer(context, pool.fields, container)).fields.attributes;
}

export async function changeContainerAttributes(
  context: ControlContext,
  poolName: string,
  container: string,
  changes: AttributeChanges,
  request?: RequestIdentity,
): Promise<Attributes> {
  const pool = await findPool(context, poolName);
  const { key } = await findContainer(context, pool.fields, container);
  const next = (old: ContainerFields) => ({
    ...old,
    attributes: changed(old.attributes, changes),
  });
  const fields = await updateRecord(context, containerRecord, key, next, ({ attributes }) =>
    answerAhead(context, request, { attributes }),
  );
  return fields.attributes;
}

/** DER_OVERFLOW when all of them together are too large. */
export function changed(old: Attributes, changes: AttributeChanges): Attributes {
  // Of null prototype: a name like __proto__ is a name like any other.
  const next = Object.assign(Object.create(null) as Attributes, old);
  for (const name of changes.delete) {
    if (!(name in next)) throw new DaosError('DER_NONEXIST', `there is no attribute '${name}'`);
    delete next[name];
  }
  Object.assign(next, changes.set);
  const size = Buffer.byteLength(JSON.stringify(next));
  if (size <= ATTRIBUTES_SIZE_MAX) return next;
  throw new DaosError(
    'DER_OVERFLOW',
    `the attributes would take ${size} bytes; ${ATTRIBUTES_SIZE_MAX} are allowed`,
  );
}
