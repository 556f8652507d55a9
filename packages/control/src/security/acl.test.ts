import { describe, expect, test } from '@jest/globals';
import { checkAcl, parseEntry, removeFromAcl, rightsOf, updateAcl, type AclKind } from './acl.js';

const rights = (kind: AclKind, acl: string[], user: string, groups: string[] = []) =>
  [...rightsOf(kind, { user, groups }, { owner: 'owner@', ownerGroup: 'staff@', acl })]
    .sort()
    .join('');

describe('control/acl', () => {
  test.each([
    ['nobody named, nobody in a group', ['A::OWNER@:rw'], 'bob@', [], ''],
    ['the owner has the entry of owners', ['A::OWNER@:r', 'A::owner@:rw'], 'owner@', [], 'Aar'],
    ['an owner without entry is a user', ['A::owner@:rw'], 'owner@', [], 'Aarw'],
    ['an owner may mend the list, whatever it says', ['A::OWNER@:'], 'owner@', [], 'Aa'],
    ['a user has their entry alone', ['A::bob@:r', 'A:G:g@:rw'], 'bob@', ['g@'], 'r'],
    ['an entry without rights denies', ['A::bob@:', 'A::EVERYONE@:rw'], 'bob@', [], ''],
    ['groups are in union', ['A:G:g@:r', 'A:G:h@:w', 'A:G:i@:d'], 'bob@', ['g@', 'h@'], 'rw'],
    ['GROUP@ is a group', ['A:G:GROUP@:w', 'A:G:g@:r'], 'bob@', ['staff@', 'g@'], 'rw'],
    ['a group that matches hides everyone', ['A:G:g@:', 'A::EVERYONE@:r'], 'bob@', ['g@'], ''],
    ['everyone is the rest', ['A::alice@:w', 'A::EVERYONE@:r'], 'bob@', ['g@'], 'r'],
    ['a user of the name of a group is no group', ['A::g@:rw'], 'bob@', ['g@'], ''],
    ['no list, no rights', [], 'bob@', ['g@'], ''],
  ])('%s', (_name, acl, user, groups, expected) => {
    expect(rights('container', acl, user, groups)).toBe(expected);
  });

  test('in a pool, r is t and w is c and d', () => {
    expect(rights('pool', ['A::bob@:r'], 'bob@')).toBe('rt');
    expect(rights('pool', ['A::bob@:w'], 'bob@')).toBe('cdw');
    expect(rights('pool', ['A::OWNER@:t'], 'owner@')).toBe('t');
  });

  test.each([
    'A:bob@:r',
    'D::bob@:r',
    'A:S:bob@:r',
    'A::bob:r',
    'A::GROUP@:r',
    'A:G:OWNER@:r',
    'A:G:EVERYONE@:r',
    'A::bob@:c',
    'A::bob@:rr',
    'A::bob@:R',
    'A::@:r',
    'A::bob@:r:x',
    '',
  ])("the entry '%s' is refused and named", (entry) => {
    expect(() => parseEntry('container', entry)).toThrow(
      expect.objectContaining({
        code: 'DER_INVAL',
        message: expect.stringContaining(`'${entry}'`),
      }),
    );
  });

  test('a pool has no rights of containers', () => {
    expect(() => parseEntry('pool', 'A::bob@:A')).toThrow(/rwcdt/);
  });

  test('a list is changed by principal, and has each of them once', () => {
    const acl = checkAcl('container', ['A::OWNER@:wr', 'A:G:g@:r']);
    expect(acl).toEqual(['A::OWNER@:rw', 'A:G:g@:r']);
    const updated = updateAcl('container', acl, ['A:G:g@:w', 'A::g@:t']);
    expect(updated).toEqual(['A::OWNER@:rw', 'A:G:g@:w', 'A::g@:t']);
    expect(removeFromAcl('container', updated, 'g:g@')).toEqual(['A::OWNER@:rw', 'A::g@:t']);
    expect(removeFromAcl('container', updated, 'u:g@')).toEqual(['A::OWNER@:rw', 'A:G:g@:w']);
    expect(removeFromAcl('container', ['A:G:GROUP@:r'], 'GROUP@')).toEqual([]);
    expect(() => removeFromAcl('container', acl, 'u:none@')).toThrow(/no entry/);
    expect(() => checkAcl('container', ['A::a@:r', 'A::a@:w'])).toThrow(/two entries/);
  });
});
