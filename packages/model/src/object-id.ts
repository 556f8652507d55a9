// Object ids: 128 bits as a bigint.
//
//   high: | type 8 | redundancy 8 | groups 16 | the user's 32 |      low: the user's 64
import { DaosError } from './daos-error.js';
import { OBJECT_CLASSES, type ObjectClassName } from './generated/object-classes.js';
import { OBJECT_TYPES, type ObjectTypeName } from './generated/object-types.js';
import { objectClassName, parseObjectClass } from './object-class.js';

/** A 128-bit unsigned number. */
export type ObjectId = bigint;

/** What the user may choose of an id: its low 96 bits. */
export const OBJECT_ID_USER_MAX = 2n ** 96n - 1n;
const OBJECT_ID_MAX = 2n ** 128n - 1n;
const LOW_MASK = 2n ** 64n - 1n;
const USER_BITS = 96n;
const CLASS_BITS = 24n;
const GROUP_COUNT_BITS = 16n;
const TYPE_SHIFT = 120n;

const TYPES_BY_NUMBER = new Map(
  Object.entries(OBJECT_TYPES).map(([name, { value }]) => [
    value as number,
    name as ObjectTypeName,
  ]),
);

export interface ObjectIdParts {
  /** Unique in the container among ids of the same type and class; up to OBJECT_ID_USER_MAX. */
  user: bigint;
  type: ObjectTypeName;
  objectClass: ObjectClassName;
}

/** Composes an id. DER_INVAL for more than 96 bits in `user`, an unknown type or class. */
export function makeObjectId({ user, type, objectClass }: ObjectIdParts): ObjectId {
  if (user < 0n || user > OBJECT_ID_USER_MAX) {
    throw new DaosError(
      'DER_INVAL',
      `the user's part of an object id has 96 bits; ${user} has more`,
    );
  }
  // Programs in JavaScript have no types to keep them from names that are not there.
  if (!Object.hasOwn(OBJECT_TYPES, type)) {
    const known = Object.keys(OBJECT_TYPES).join(', ');
    throw new DaosError('DER_INVAL', `unknown object type '${String(type)}': there are ${known}`);
  }
  const { redundancy, groupCount } = OBJECT_CLASSES[parseObjectClass(String(objectClass))];
  const classBits = (BigInt(redundancy) << GROUP_COUNT_BITS) | BigInt(groupCount);
  const typeBits = BigInt(OBJECT_TYPES[type].value);
  return (((typeBits << CLASS_BITS) | classBits) << USER_BITS) | user;
}

/** The low 96 bits. */
export function objectUserOf(oid: ObjectId): bigint {
  return oid & OBJECT_ID_USER_MAX;
}

/** The type, or undefined for type bits outside the table. */
export function objectTypeOf(oid: ObjectId): ObjectTypeName | undefined {
  return TYPES_BY_NUMBER.get(Number(oid >> TYPE_SHIFT));
}

/** The class, or undefined for class bits outside the table. */
export function objectClassOf(oid: ObjectId): ObjectClassName | undefined {
  // The 8 bits of redundancy and 16 of groups widen to the 32 of a class number: 8, 8 zeros, 16.
  const bits = Number((oid >> USER_BITS) & (2n ** CLASS_BITS - 1n));
  const groupCount = bits & 0xffff;
  return objectClassName((bits >>> 16) * 2 ** 24 + groupCount);
}

/** `high.low` in decimal, as DAOS prints ids. */
export function formatObjectId(oid: ObjectId): string {
  return `${oid >> 64n}.${oid & LOW_MASK}`;
}

/** Inverse of formatObjectId. DER_INVAL names the text. */
export function parseObjectId(text: string): ObjectId {
  const match = /^(\d{1,20})\.(\d{1,20})$/.exec(text);
  const high = BigInt(match?.[1] ?? -1);
  const low = BigInt(match?.[2] ?? -1);
  const oid = (high << 64n) | low;
  if (match === null || low > LOW_MASK || oid > OBJECT_ID_MAX) {
    throw new DaosError('DER_INVAL', `'${text}' is no object id: expected <high>.<low> in decimal`);
  }
  return oid;
}
