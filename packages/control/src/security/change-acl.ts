// Reads and changes the access control lists and owners of pools and containers.

import * as z from 'zod';
import { updateRecord, type ControlContext } from '../control-context.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import { answerAhead, type RequestIdentity } from '../records/answer-record.js';
import { containerRecord, type ContainerFields } from '../records/container-record.js';
import { poolRecord, type PoolFields } from '../records/pool-record.js';
import {
  aclField,
  checkAcl,
  principalField,
  removeFromAcl,
  updateAcl,
  type AclKind,
} from './acl.js';

export const ownershipSchema = z.object({
  owner: principalField,
  ownerGroup: principalField,
  acl: aclField,
});
export type OwnershipFields = z.infer<typeof ownershipSchema>;

/** Applied in this order. */
export const changeAclSchema = z.strictObject({
  /** In place of the whole list. */
  replace: aclField.optional(),
  /** Principals as u:alice@, g:staff@, OWNER@. */
  delete: z.array(z.string()).default([]),
  /** In place of the entries of the same principals, or besides the others. */
  update: aclField.default([]),
  owner: principalField.optional(),
  ownerGroup: principalField.optional(),
});
export type AclChanges = z.input<typeof changeAclSchema>;

export async function getPoolOwnership(
  context: ControlContext,
  pool: string,
): Promise<OwnershipFields> {
  return ownershipOf((await findPool(context, pool)).fields);
}

export async function changePoolOwnership(
  context: ControlContext,
  pool: string,
  changes: AclChanges,
  request?: RequestIdentity,
): Promise<OwnershipFields> {
  const { key } = await findPool(context, pool);
  const next = (old: PoolFields) => ({ ...old, ...apply('pool', old, changes) });
  const changed = await updateRecord(context, poolRecord, key, next, (fields) =>
    answerAhead(context, request, ownershipOf(fields)),
  );
  return ownershipOf(changed);
}

export async function getContainerOwnership(
  context: ControlContext,
  poolName: string,
  container: string,
): Promise<OwnershipFields> {
  const pool = await findPool(context, poolName);
  return ownershipOf((await findContainer(context, pool.fields, container)).fields);
}

export async function changeContainerOwnership(
  context: ControlContext,
  poolName: string,
  container: string,
  changes: AclChanges,
  request?: RequestIdentity,
): Promise<OwnershipFields> {
  const pool = await findPool(context, poolName);
  const { key } = await findContainer(context, pool.fields, container);
  const next = (old: ContainerFields) => ({ ...old, ...apply('container', old, changes) });
  const changed = await updateRecord(context, containerRecord, key, next, (fields) =>
    answerAhead(context, request, ownershipOf(fields)),
  );
  return ownershipOf(changed);
}

function apply(kind: AclKind, old: OwnershipFields, changes: AclChanges): OwnershipFields {
  const base = changes.replace ? checkAcl(kind, changes.replace) : old.acl;
  const kept = (changes.delete ?? []).reduce<string[]>(
    (acl, principal) => removeFromAcl(kind, acl, principal),
    base,
  );
  return {
    owner: changes.owner ?? old.owner,
    ownerGroup: changes.ownerGroup ?? old.ownerGroup,
    acl: updateAcl(kind, kept, changes.update ?? []),
  };
}

function ownershipOf({ owner, ownerGroup, acl }: OwnershipFields): OwnershipFields {
  return { owner, ownerGroup, acl };
}
