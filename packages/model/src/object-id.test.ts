import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OBJECT_CLASSES, type ObjectClassName } from './generated/object-classes.js';
import { OBJECT_TYPES, type ObjectTypeName } from './generated/object-types.js';
import { objectClassName, parseObjectClass } from './object-class.js';
import {
  formatObjectId,
  makeObjectId,
  OBJECT_ID_USER_MAX,
  objectClassOf,
  objectTypeOf,
  objectUserOf,
  parseObjectId,
} from './object-id.js';

const types = fc.constantFrom(...(Object.keys(OBJECT_TYPES) as ObjectTypeName[]));
const objectClasses = fc.constantFrom(...(Object.keys(OBJECT_CLASSES) as ObjectClassName[]));
const users = fc.bigInt({ min: 0n, max: OBJECT_ID_USER_MAX });

describe('model/object-id', () => {
  test('type and class sit in the top 32 bits, as in the C API', () => {
    const oid = makeObjectId({ user: 42n, type: 'KV_LEXICAL', objectClass: 'RP_2G4' });
    expect(oid).toBe((0x0a_08_0004n << 96n) | 42n);
    expect(OBJECT_CLASSES.S1.id).toBe(0x01000001);
    expect(OBJECT_CLASSES.EC_16P3GX.id).toBe(0x2a00ffff);
  });

  test('every id comes apart into what it was made of', () => {
    fc.assert(
      fc.property(users, types, objectClasses, (user, type, objectClass) => {
        const oid = makeObjectId({ user, type, objectClass });
        expect(objectUserOf(oid)).toBe(user);
        expect(objectTypeOf(oid)).toBe(type);
        expect(objectClassOf(oid)).toBe(objectClass);
        expect(parseObjectId(formatObjectId(oid))).toBe(oid);
      }),
    );
  });

  test('an id with unknown bits has no type or class', () => {
    expect(objectTypeOf(200n << 120n)).toBeUndefined();
    expect(objectClassOf(0n)).toBeUndefined();
    expect(objectClassOf(3n << 96n)).toBeUndefined();
  });

  test('a type or class that is not there is refused by name', () => {
    const make = (type: string, objectClass: string) => () =>
      makeObjectId({
        user: 1n,
        type: type as ObjectTypeName,
        objectClass: objectClass as ObjectClassName,
      });
    const refusal = (text: string) =>
      expect.objectContaining({ code: 'DER_INVAL', message: expect.stringContaining(text) });
    expect(make('ARRAY', 'FOO')).toThrow(refusal(`unknown object class 'FOO'`));
    expect(make('NOPE', 'S1')).toThrow(refusal(`unknown object type 'NOPE': there are`));
  });

  test('a user part over 96 bits is refused', () => {
    const parts = { type: 'MULTI_HASHED', objectClass: 'S1' } as const;
    const code = 'DER_INVAL';
    expect(() => makeObjectId({ ...parts, user: 2n ** 96n })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(() => makeObjectId({ ...parts, user: -1n })).toThrow(expect.objectContaining({ code }));
  });

  test('text that is no id is refused by name', () => {
    for (const text of [
      '',
      '1',
      '1.',
      '.1',
      '1.2.3',
      '-1.2',
      'a.b',
      `1.${2n ** 64n}`,
      `${2n ** 64n}.1`,
    ]) {
      expect(() => parseObjectId(text)).toThrow(`'${text}' is no object id`);
    }
  });
});

describe('model/object-class', () => {
  test('every class comes back from its number and from its name in lower case', () => {
    for (const [name, { id }] of Object.entries(OBJECT_CLASSES)) {
      expect(objectClassName(id)).toBe(name);
      expect(parseObjectClass(name.toLowerCase())).toBe(name);
    }
  });

  test('an unknown class is refused by name', () => {
    expect(() => parseObjectClass('S3')).toThrow("unknown object class 'S3'");
    expect(() => parseObjectClass('rp_2')).toThrow(
      "unknown object class 'rp_2': did you mean RP_2G1, RP_2G2, RP_2G4, RP_2G6 …?",
    );
    expect(() => parseObjectClass('constructor')).toThrow("unknown object class 'constructor'");
  });
});
