// The client against a running engine in the same process, over each transport.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeObjectId, type ObjectId } from '@daos/model';
import { integerOf, textOf, type DaosObject } from './index.js';
import { startLoopback, type Loopback } from './loopback-fixture.js';

async function listed<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

let userNext = 1n;
const newOid = (type: 'MULTI_LEXICAL' | 'MULTI_UINT64' = 'MULTI_LEXICAL'): ObjectId =>
  makeObjectId({ user: userNext++, type, objectClass: 'SX' });

describe.each(['local', 'tcp', 'shm'] as const)('client over %s', (transport) => {
  let system: Loopback;
  let object: DaosObject;
  beforeAll(async () => {
    system = await startLoopback({ transport });
  });
  afterAll(async () => system[Symbol.asyncDispose]());
  beforeEach(() => {
    object = system.container.object(newOid());
  });

  test('a value is stored and read, as of now and as of an epoch', async () => {
    const first = await object.update('k', 'a', 'one');
    const second = await object.update('k', 'a', 'two');
    expect(second).toBeGreaterThan(first);
    expect(textOf(await object.fetch('k', 'a'))).toBe('two');
    expect(textOf(await object.fetch('k', 'a', { epoch: first }))).toBe('one');
    expect(await object.fetch('k', 'none')).toBeUndefined();
    expect(await object.fetch('none', 'a')).toBeUndefined();
  });

  test('values of any size come back, into memory of the caller or of ours', async () => {
    for (const size of [1, 100, 4095, 4096, 5000, 100_000, 3_000_000, 3]) {
      const value = Buffer.alloc(size, 'daos');
      await object.update('size', 'a', value);
      const fetched = await object.fetch('size', 'a');
      expect(value.compare(fetched as Uint8Array)).toBe(0);
      const into = Buffer.alloc(size);
      expect(await object.fetchInto('size', 'a', into)).toBe(size);
      expect(value.compare(into)).toBe(0);
      expect(await object.sizeOf('size', 'a')).toBe(size);
    }
    await expect(object.fetchInto('size', 'a', new Uint8Array(2))).rejects.toMatchObject({
      code: 'DER_REC2BIG',
    });
  });

  test('an array has holes, and holes leave the buffer as it was', async () => {
    await object.updateArray('k', 'array', 2, Uint8Array.of(1, 2, 3));
    await object.updateArray('k', 'array', 8, Uint8Array.of(4));
    const into = new Uint8Array(10).fill(99);
    expect(await object.fetchArray('k', 'array', 0, into)).toEqual({
      recordSize: 1,
      size: 4,
      isWhole: false,
      mapped: [
        { index: 2n, count: 3n },
        { index: 8n, count: 1n },
      ],
    });
    expect([...into]).toEqual([99, 99, 1, 2, 3, 99, 99, 99, 4, 99]);
    await object.punchArray('k', 'array', [{ index: 0, count: 5 }]);
    const extents = await listed(object.extents('k', 'array'));
    expect(extents).toMatchObject([{ index: 8n, count: 1n, recordSize: 1 }]);
  });

  test('several akeys are written and read as one', async () => {
    await object.updateAkeys('many', [
      { akey: 'name', value: 'Ada' },
      { akey: 'data', value: Uint8Array.of(1, 2, 3, 4), extents: [{ index: 6, count: 4 }] },
    ]);
    const name = new Uint8Array(8);
    const data = new Uint8Array(2);
    const results = await object.fetchAkeys('many', [
      { akey: 'name', into: name },
      { akey: 'data', into: data, extents: [{ index: 7, count: 2 }] },
      { akey: 'none', into: new Uint8Array(1) },
    ]);
    expect(results.map(({ size }) => size)).toEqual([3, 2, 0]);
    expect([textOf(name.subarray(0, 3)), ...data]).toEqual(['Ada', 2, 3]);
    expect((await listed(object.akeys('many'))).map((akey) => textOf(akey)).sort()).toEqual([
      'data',
      'name',
    ]);
  });

  test('conditions are judged, and a refused write changes nothing', async () => {
    await object.update('k', 'a', 'x', { conditions: ['dkeyInsert'] });
    await expect(
      object.update('k', 'a', 'y', { conditions: ['dkeyInsert'] }),
    ).rejects.toMatchObject({ code: 'DER_EXIST', retryable: false });
    await expect(object.fetch('k', 'none', { conditions: ['akeyFetch'] })).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    expect(textOf(await object.fetch('k', 'a'))).toBe('x');
  });

  test('punches delete akeys, dkeys and the object', async () => {
    await object.updateAkeys('k', [
      { akey: 'a', value: '1' },
      { akey: 'b', value: '2' },
    ]);
    await object.punchAkeys('k', ['a']);
    expect(await object.fetch('k', 'a')).toBeUndefined();
    await object.punchDkey('k');
    expect(await object.fetch('k', 'b')).toBeUndefined();
    await object.update('l', 'a', '3');
    await object.punch();
    expect(await listed(object.dkeys())).toEqual([]);
  });

  test('dkeys and objects of all targets are listed, over several pages', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `key${String(i).padStart(3, '0')}`);
    await Promise.all(keys.map((key) => object.update(key, 'a', 'v')));
    const dkeys = await listed(object.dkeys({ pageSize: 7 }));
    expect(dkeys.map((key) => textOf(key)).sort()).toEqual(keys);
    const [page] = await listed(object.dkeyPages({ pageSize: 7 }));
    const rest = await listed(object.dkeys(page ? { anchor: page.anchor } : {}));
    expect(rest.length).toBe(60 - (page?.entries.length ?? 0));
  });

  test('an object is listed once, on however many targets it lies', async () => {
    const wide = system.container.object(object.oid);
    const narrow = makeObjectId({ user: userNext++, type: 'MULTI_LEXICAL', objectClass: 'S1' });
    await Promise.all(Array.from({ length: 40 }, (_, i) => wide.update(`key ${i}`, 'a', 'v')));
    await system.container.object(narrow).update('k', 'a', 'v');
    for (const pageSize of [1, 1024]) {
      const oids = await listed(system.container.objects({ pageSize }));
      expect(oids.filter((oid) => oid === object.oid)).toHaveLength(1);
      expect(oids.filter((oid) => oid === narrow)).toHaveLength(1);
    }
  });

  test('the greatest and least integer keys and the last extent are found', async () => {
    const integers = system.container.object(newOid('MULTI_UINT64'));
    for (const dkey of [3n, 70n, 12n]) {
      await integers.updateArray(dkey, 5n, dkey, Uint8Array.of(1, 2));
    }
    expect(await integers.maxDkey()).toBe(70n);
    expect(await integers.minDkey()).toBe(3n);
    expect(await integers.maxAkey(12n)).toBe(5n);
    expect(await integers.maxExtent(12n, 5n)).toMatchObject({ index: 12n, count: 2n });
    expect((await listed(integers.dkeys())).map(integerOf).sort()).toEqual([12n, 3n, 70n]);
    expect(await system.container.object(newOid('MULTI_UINT64')).maxDkey()).toBeUndefined();
  });

  test('many operations are in flight at once, and each gets its own answer', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => object.update(key, 'a', key)));
    const values = await Promise.all(keys.map((key) => object.fetch(key, 'a')));
    expect(values.map((value) => textOf(value))).toEqual(keys);
  });
});
