// Key-value stores, byte arrays and streams over them, against a running engine.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeObjectId, type ObjectId } from '@daos/model';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { textOf, type ByteArray } from './index.js';
import { startLoopback, type Loopback } from './loopback-fixture.js';

let system: Loopback;
beforeAll(async () => {
  system = await startLoopback();
});
afterAll(async () => system[Symbol.asyncDispose]());

let userNext = 1n;
const newOid = (type: 'KV_LEXICAL' | 'ARRAY_BYTE'): ObjectId =>
  makeObjectId({ user: userNext++, type, objectClass: 'SX' });

describe('client/key-value', () => {
  test('values are put, replaced, got and removed', async () => {
    const store = system.container.keyValue(newOid('KV_LEXICAL'));
    await store.put('a', 'one');
    await store.put('a', 'two');
    expect(textOf(await store.get('a'))).toBe('two');
    expect(await store.sizeOf('a')).toBe(3);
    expect([await store.has('a'), await store.has('b')]).toEqual([true, false]);
    expect(await store.getInto('a', new Uint8Array(8))).toBe(3);
    await store.remove('a');
    expect(await store.get('a')).toBeUndefined();
    await store.remove('a');
    await expect(store.remove('a', { mustExist: true })).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
  });

  test('a put may depend on what is there', async () => {
    const store = system.container.keyValue(newOid('KV_LEXICAL'));
    await expect(store.put('a', '1', { onlyIf: 'present' })).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    await store.put('a', '1', { onlyIf: 'absent' });
    await expect(store.put('a', '2', { onlyIf: 'absent' })).rejects.toMatchObject({
      code: 'DER_EXIST',
    });
    await store.put('a', '3', { onlyIf: 'present' });
    expect(textOf(await store.get('a'))).toBe('3');
  });

  test('keys and entries are listed, as of now and as of an epoch', async () => {
    const store = system.container.keyValue(newOid('KV_LEXICAL'));
    const keys = Array.from({ length: 100 }, (_, i) => `key${i}`);
    await Promise.all(keys.map((key) => store.put(key, key.toUpperCase())));
    const epoch = await store.put('last', 'LAST');
    await store.clear();
    const now: string[] = [];
    for await (const key of store.keys()) now.push(textOf(key));
    expect(now).toEqual([]);
    const then = new Map<string, string>();
    for await (const [key, value] of store.entries({ epoch })) then.set(textOf(key), textOf(value));
    expect(then.size).toBe(101);
    expect(then.get('key42')).toBe('KEY42');
  });
});

describe('client/byte-array', () => {
  const chunkSize = 1000;
  const newArray = (): ByteArray => system.container.byteArray(newOid('ARRAY_BYTE'), { chunkSize });
  const pattern = (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, (_, i) => i % 251));

  test('what is written over many chunks is read back, from anywhere', async () => {
    const array = newArray();
    const data = pattern(25_500);
    await array.write(300, data);
    expect(await array.size()).toBe(25_800);
    const all = await array.slice(0, 30_000);
    expect(all.byteLength).toBe(25_800);
    expect(data.compare(all.subarray(300))).toBe(0);
    expect(all.subarray(0, 300).every((byte) => byte === 0)).toBe(true);
    const part = await array.slice(12_345, 2_000);
    expect(data.subarray(12_045, 14_045).compare(part)).toBe(0);
  });

  test('holes read as zeros, and memory behind the end is left untouched', async () => {
    const array = newArray();
    await array.write(2_500, Buffer.from('end'));
    await array.write(10, Buffer.from('begin'));
    const into = Buffer.alloc(4_000, 0xff);
    expect(await array.read(0, into)).toBe(2_503);
    expect(into.subarray(0, 10).every((byte) => byte === 0)).toBe(true);
    expect(into.toString('latin1', 10, 15)).toBe('begin');
    expect(into.subarray(15, 2_500).every((byte) => byte === 0)).toBe(true);
    expect(into.toString('latin1', 2_500, 2_503)).toBe('end');
    expect(into.subarray(2_503).every((byte) => byte === 0xff)).toBe(true);
    expect(await array.read(5_000, into)).toBe(0);
  });

  test('the size follows truncation, both ways', async () => {
    const array = newArray();
    expect(await array.size()).toBe(0);
    await array.write(0, pattern(5_500));
    for (const size of [4_000, 3_999, 2_001, 2_000, 1]) {
      await array.truncate(size);
      expect(await array.size()).toBe(size);
      expect(
        pattern(5_500)
          .subarray(0, size)
          .compare(await array.slice(0, 9_000)),
      ).toBe(0);
    }
    await array.truncate(3_500);
    expect(await array.size()).toBe(3_500);
    expect([...(await array.slice(0, 2))]).toEqual([0, 0]);
    await array.truncate(0);
    expect(await array.size()).toBe(0);
  });

  test('a punched range is a hole', async () => {
    const array = newArray();
    await array.write(0, Buffer.alloc(3_000, 1));
    await array.punch(500, 2_000);
    const bytes = await array.slice(0, 3_000);
    expect(bytes.indexOf(0)).toBe(500);
    expect(bytes.lastIndexOf(0)).toBe(2_499);
    await array.punch(2_500, 500);
    expect(await array.size()).toBe(500);
  });

  test('an array is read as it was at an epoch', async () => {
    const array = newArray();
    const epoch = await array.write(0, Buffer.from('old'));
    await array.write(0, Buffer.from('newer'));
    expect(textOf(await array.slice(0, 10, { epoch }))).toBe('old');
    expect(await array.size({ epoch })).toBe(3);
  });

  test('streams write and read it whole', async () => {
    const array = newArray();
    const data = pattern(123_457);
    const pieces = Array.from({ length: 100 }, (_, i) => data.subarray(i * 1_300, (i + 1) * 1_300));
    await pipeline(Readable.from(pieces.filter(({ length }) => length > 0)), array.writable());
    expect(await array.size()).toBe(data.length);
    expect(data.compare(await buffer(array.readable()))).toBe(0);
    const part = await buffer(array.readable({ start: 1_234, end: 5_678, blockSize: 700 }));
    expect(data.subarray(1_234, 5_678).compare(part)).toBe(0);
  });

  test('a stream that cannot write fails', async () => {
    const oid = makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'SX' });
    const array = system.container.byteArray(oid);
    await expect(pipeline(Readable.from([Buffer.from('x')]), array.writable())).rejects.toThrow(
      /no integer dkeys/,
    );
  });
});
