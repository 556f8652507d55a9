// Access control lists of pools and containers, written and evaluated as DAOS documents it.
//
// An entry is TYPE:FLAGS:PRINCIPAL:PERMISSIONS, as `A:G:staff@:rw`; the type is always A (allow).
// Evaluation takes the first of these that there is, and nothing else:
//
//   1. OWNER@, for the owner
//   2. the entry of the user
//   3. the union of the entries of all groups the user is in, GROUP@ for the owner's group among
//      them
//   4. EVERYONE@

import { DaosError } from '@daos/model';
import * as z from 'zod';

/**
 * r read, w write, c create containers, d delete, t get and T set properties, a get and A set the
 * list, o set the owner.
 */
export type Right = 'r' | 'w' | 'c' | 'd' | 't' | 'T' | 'a' | 'A' | 'o';

export type AclKind = 'pool' | 'container';

/** What an entry of each kind may hold; another right there is a mistake. */
const RIGHTS: Readonly<Record<AclKind, string>> = { pool: 'rwcdt', container: 'rwdtTaAo' };

export const POOL_ACL_DEFAULT = ['A::OWNER@:rw', 'A:G:GROUP@:rw'];
export const CONTAINER_ACL_DEFAULT = ['A::OWNER@:rwdtTaAo', 'A:G:GROUP@:rwtT'];

/** 64 KiB of entries of 256 bytes, as DAOS counts. */
const ENTRY_COUNT_MAX = 256;
const PRINCIPAL_SIZE_MAX = 255;

const PRINCIPAL = /^[^@:\s]+@[^@:\s]*$/;

export const principalField = z
  .string()
  .max(PRINCIPAL_SIZE_MAX)
  .regex(PRINCIPAL, 'a user or group is written name@')
  .meta({ description: 'A user or group, as alice@' });

export const aclField = z
  .array(z.string().max(PRINCIPAL_SIZE_MAX + 64))
  .max(ENTRY_COUNT_MAX)
  .meta({ description: 'Entries TYPE:FLAGS:PRINCIPAL:PERMISSIONS, as A:G:staff@:rw' });

/** Who asks: names end with @. */
export interface Identity {
  readonly user: string;
  /** All of them, the primary one first. */
  readonly groups: readonly string[];
}

export interface Ownership {
  readonly owner: string;
  readonly ownerGroup: string;
  readonly acl: readonly string[];
}

export interface AclEntry {
  readonly isGroup: boolean;
  readonly principal: string;
  readonly rights: string;
}

/** DER_INVAL says which entry is wrong, and why. */
export function parseEntry(kind: AclKind, text: string): AclEntry {
  const wrong = (why: string) => new DaosError('DER_INVAL', `access entry '${text}': ${why}`);
  const [type, flags, principal, rights, ...rest] = text.split(':');
  if (rights === undefined || rest.length > 0) throw wrong('it is TYPE:FLAGS:PRINCIPAL:RIGHTS');
  if (type !== 'A') throw wrong(`the type is A (allow), not '${type}'`);
  if (flags !== '' && flags !== 'G') throw wrong(`the flag is G (group) or none, not '${flags}'`);
  if (principal === undefined || !PRINCIPAL.test(principal)) {
    throw wrong('the principal is written name@');
  }
  const isGroup = flags === 'G';
  if (principal === 'GROUP@' && !isGroup) throw wrong('GROUP@ needs the flag G');
  if (isGroup && (principal === 'OWNER@' || principal === 'EVERYONE@')) {
    throw wrong(`${principal} is no group`);
  }
  for (const right of rights) {
    if (!RIGHTS[kind].includes(right)) {
      throw wrong(`a ${kind} has the rights ${RIGHTS[kind]}, not '${right}'`);
    }
  }
  if (new Set(rights).size !== rights.length) throw wrong('a right is there twice');
  return { isGroup, principal, rights };
}

const keyOf = ({ isGroup, principal }: AclEntry) => `${isGroup ? 'G' : ''}:${principal}`;

/** Entries in order, rights in the order of their letters above. DER_INVAL. */
export function checkAcl(kind: AclKind, acl: readonly string[]): string[] {
  const entries = acl.map((text) => parseEntry(kind, text));
  const seen = new Set<string>();
  for (const entry of entries) {
    if (seen.has(keyOf(entry))) {
      throw new DaosError('DER_INVAL', `the list has two entries for ${entry.principal}`);
    }
    seen.add(keyOf(entry));
  }
  return entries.map(({ isGroup, principal, rights }) => {
    const ordered = [...RIGHTS[kind]].filter((right) => rights.includes(right)).join('');
    return `A:${isGroup ? 'G' : ''}:${principal}:${ordered}`;
  });
}

/** Replaces the entries of the same principals, and adds the others. */
export function updateAcl(
  kind: AclKind,
  acl: readonly string[],
  changes: readonly string[],
): string[] {
  const changed = new Set(changes.map((text) => keyOf(parseEntry(kind, text))));
  const kept = acl.filter((text) => !changed.has(keyOf(parseEntry(kind, text))));
  return checkAcl(kind, [...kept, ...changes]);
}

/** `principal` as DAOS's commands take it: `u:alice@`, `g:staff@`, `OWNER@`. DER_NONEXIST. */
export function removeFromAcl(kind: AclKind, acl: readonly string[], principal: string): string[] {
  const match = /^(?:([ug]):)?(.+)$/.exec(principal);
  const name = match?.[2] ?? '';
  const isGroup = match?.[1] === 'g' || name === 'GROUP@';
  const key = keyOf({ isGroup, principal: name, rights: '' });
  const kept = acl.filter((text) => keyOf(parseEntry(kind, text)) !== key);
  if (kept.length < acl.length) return kept;
  throw new DaosError('DER_NONEXIST', `the list has no entry for '${principal}'`);
}

/** What `identity` may do. */
export function rightsOf(
  kind: AclKind,
  identity: Identity,
  { owner, ownerGroup, acl }: Ownership,
): ReadonlySet<Right> {
  const entries = acl.map((text) => parseEntry(kind, text));
  const isOwner = identity.user === owner;
  const given = new Set(grantOf(entries, identity, isOwner, ownerGroup) as Iterable<Right>);
  if (kind === 'pool') {
    if (given.has('r')) given.add('t');
    if (given.has('w')) given.add('c').add('d');
  } else if (isOwner) {
    // An owner can always mend the list.
    given.add('a').add('A');
  }
  return given;
}

function grantOf(
  entries: readonly AclEntry[],
  { user, groups }: Identity,
  isOwner: boolean,
  ownerGroup: string,
): string {
  const find = (principal: string, isGroup = false) =>
    entries.find((entry) => entry.principal === principal && entry.isGroup === isGroup);
  const own = (isOwner ? find('OWNER@') : undefined) ?? find(user);
  if (own) return own.rights;
  const matching = entries.filter(
    ({ isGroup, principal }) =>
      isGroup && groups.includes(principal === 'GROUP@' ? ownerGroup : principal),
  );
  if (matching.length > 0) return matching.map(({ rights }) => rights).join('');
  return find('EVERYONE@')?.rights ?? '';
}
