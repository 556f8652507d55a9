// The store through its JavaScript surface. Its semantics are proved beside the native core; here
// it is that every argument and result crosses the boundary unharmed.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { integerOf, textOf, Vos, type VosContainer } from './index.js';

const OID = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });
const INTEGER_OID = makeObjectId({ user: 2n, type: 'MULTI_UINT64', objectClass: 'S1' });

const ARENAS = ['pmem', 'log'] as const;
/** Persistent memory is simulated by a memory file system; a log wants a disk. */
const DIRECTORIES = { pmem: '/dev/shm', log: tmpdir() };

let directory = '';
let vos: Vos;
let container: VosContainer;

async function listed<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

describe.each(ARENAS)('vos on %s', (arena) => {
  beforeEach(async () => {
    directory = await mkdtemp(join(DIRECTORIES[arena], 'daos-vos-'));
    vos = await Vos.create(join(directory, 'store'), {
      arena,
      arenaBytes: 64 << 20,
      dataBytes: 0,
    });
    container = await vos.openContainer(await vos.createContainer());
  });
  afterEach(async () => {
    await vos.close();
    await rm(directory, { recursive: true });
  });

  test('a value is read as it was at each epoch', async () => {
    await container.update(OID, 'k', 'a', 'one', { epoch: 10n });
    await container.update(OID, 'k', 'a', 'two', { epoch: 20n });
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('two');
    expect(textOf(await container.fetch(OID, 'k', 'a', { epoch: 19n }))).toBe('one');
    expect(await container.fetch(OID, 'k', 'a', { epoch: 9n })).toBeUndefined();
    expect(textOf(await container.snapshotRead(10n).fetch(OID, 'k', 'a'))).toBe('one');
  });

  test('an update without an epoch is later than all before', async () => {
    const first = await container.update(OID, 'k', 'a', 'x');
    const second = await container.update(OID, 'k', 'a', 'y');
    expect(second).toBeGreaterThan(first);
  });

  test('values of any size come back, into memory of the caller or of ours', async () => {
    for (const size of [1, 100, 4095, 4096, 5000, 100_000, 3]) {
      const value = Uint8Array.from({ length: size }, (_, i) => i * 7);
      await container.update(OID, 'size', 'a', value);
      expect(await container.fetch(OID, 'size', 'a')).toEqual(value);
      const into = new Uint8Array(size);
      expect(await container.fetchInto(OID, 'size', 'a', into)).toBe(size);
      expect(into).toEqual(value);
      expect(await container.sizeOf(OID, 'size', 'a')).toBe(size);
    }
    const small = new Uint8Array(2).fill(9);
    await expect(container.fetchInto(OID, 'size', 'a', small)).rejects.toMatchObject({
      code: 'DER_REC2BIG',
    });
    expect([...small]).toEqual([9, 9]);
  });

  test('an array has holes, and holes leave the buffer as it was', async () => {
    await container.updateArray(OID, 'k', 'array', 2, Uint8Array.of(1, 2, 3));
    await container.updateArray(OID, 'k', 'array', 8, Uint8Array.of(4));
    const into = new Uint8Array(10).fill(99);
    const result = await container.fetchArray(OID, 'k', 'array', 0, into);
    expect(result).toEqual({
      recordSize: 1,
      size: 4,
      isWhole: false,
      mapped: [
        { index: 2n, count: 3n },
        { index: 8n, count: 1n },
      ],
    });
    expect([...into]).toEqual([99, 99, 1, 2, 3, 99, 99, 99, 4, 99]);
    await container.punchArray(OID, 'k', 'array', [{ index: 3, count: 1 }]);
    const rest = await container.fetchArray(OID, 'k', 'array', 2, new Uint8Array(3));
    expect(rest.mapped).toEqual([
      { index: 2n, count: 1n },
      { index: 4n, count: 1n },
    ]);
  });

  test('records of several bytes keep their size', async () => {
    const data = new Uint8Array(32).fill(5);
    await container.updateArray(OID, 'k', 'r', 10n, data, { recordSize: 8 });
    const result = await container.fetchArray(OID, 'k', 'r', 10, new Uint8Array(32), {
      recordSize: 8,
    });
    expect(result).toEqual({ recordSize: 8, size: 32, isWhole: true, mapped: [] });
    await expect(
      container.updateArray(OID, 'k', 'r', 0, data, { recordSize: 4 }),
    ).rejects.toMatchObject({ code: 'DER_REC_SIZE' });
  });

  test('several akeys are written and read as one', async () => {
    const epoch = await container.updateAkeys(OID, 'many', [
      { akey: 'name', value: 'Ada' },
      {
        akey: 'data',
        value: Uint8Array.of(1, 2, 3, 4),
        extents: [
          { index: 0, count: 2 },
          { index: 6, count: 2 },
        ],
      },
    ]);
    const name = new Uint8Array(8);
    const data = new Uint8Array(2);
    const results = await container.fetchAkeys(OID, 'many', [
      { akey: 'name', into: name },
      { akey: 'data', into: data, extents: [{ index: 6, count: 2 }] },
      { akey: 'none', into: new Uint8Array(1) },
    ]);
    expect(results.map(({ size }) => size)).toEqual([3, 2, 0]);
    expect(textOf(name.subarray(0, 3))).toBe('Ada');
    expect([...data]).toEqual([3, 4]);
    expect(epoch).toBeGreaterThan(0n);
  });

  test('conditions are judged, and a refused write changes nothing', async () => {
    await container.update(OID, 'k', 'a', 'x', { conditions: ['dkeyInsert'] });
    await expect(
      container.update(OID, 'k', 'a', 'y', { conditions: ['dkeyInsert'] }),
    ).rejects.toMatchObject({ code: 'DER_EXIST' });
    await expect(
      container.update(OID, 'none', 'a', 'y', { conditions: ['dkeyUpdate'] }),
    ).rejects.toMatchObject({ code: 'DER_NONEXIST' });
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('x');
  });

  test('punches hide akeys, dkeys and objects from their epoch on', async () => {
    await container.updateAkeys(
      OID,
      'k',
      [
        { akey: 'a', value: '1' },
        { akey: 'b', value: '2' },
      ],
      { epoch: 10n },
    );
    await container.punch(OID, 'k', ['a'], { epoch: 20n });
    expect(await container.fetch(OID, 'k', 'a')).toBeUndefined();
    expect(textOf(await container.fetch(OID, 'k', 'b'))).toBe('2');
    await container.punch(OID, 'k', [], { epoch: 30n });
    expect(await container.fetch(OID, 'k', 'b')).toBeUndefined();
    await container.update(OID, 'k', 'b', '3', { epoch: 40n });
    await container.punch(OID, undefined, [], { epoch: 50n });
    expect(await listed(container.objects())).toEqual([]);
    expect(textOf(await container.fetch(OID, 'k', 'b', { epoch: 40n }))).toBe('3');
    expect(textOf(await container.fetch(OID, 'k', 'a', { epoch: 19n }))).toBe('1');
  });

  test('objects, dkeys, akeys, extents and versions are listed, over several pages', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key${String(i).padStart(3, '0')}`);
    for (const key of keys) await container.update(OID, key, 'a', 'v', { epoch: 5n });
    await container.update(OID, 'key000', 'a', 'w', { epoch: 6n });
    await container.updateArray(OID, 'key000', 'array', 4, Uint8Array.of(1, 2), { epoch: 7n });
    expect((await listed(container.objects())).map(({ oid }) => oid)).toEqual([OID]);
    const dkeys = await listed(container.dkeys(OID, { pageSize: 7 }));
    expect(dkeys.map(({ dkey }) => textOf(dkey))).toEqual(keys);
    const akeys = await listed(container.akeys(OID, 'key000'));
    expect(akeys.map(({ akey, kind }) => [textOf(akey), kind])).toEqual([
      ['a', 'single'],
      ['array', 'array'],
    ]);
    expect(await listed(container.extents(OID, 'key000', 'array'))).toEqual([
      { index: 4n, count: 2n, epoch: 7n, recordSize: 1, isHole: false, isInDoubt: false },
    ]);
    const versions = await listed(container.versions(OID, 'key000', 'a', { allVersions: true }));
    expect(versions.map(({ epoch, size }) => [epoch, size]).sort()).toEqual([
      [5n, 1],
      [6n, 1],
    ]);
  });

  test('the greatest and least integer keys and the last extent are found', async () => {
    for (const dkey of [3n, 70n, 12n]) {
      await container.updateArray(INTEGER_OID, dkey, 5n, dkey, Uint8Array.of(1, 2));
    }
    const greatest = await container.query(INTEGER_OID, 'maxDkey');
    expect(integerOf(greatest?.dkey as Uint8Array)).toBe(70n);
    expect((await container.query(INTEGER_OID, 'minDkey'))?.dkey[0]).toBe(3);
    const last = await container.query(INTEGER_OID, 'maxExtent', { dkey: 12n, akey: 5n });
    expect(last).toMatchObject({ index: 12n, count: 2n, recordSize: 1 });
    expect(
      await container.query(
        makeObjectId({ user: 9n, type: 'MULTI_UINT64', objectClass: 'S1' }),
        'maxDkey',
      ),
    ).toBeUndefined();
  });

  test('writes of a transaction are seen as one, and by nobody before', async () => {
    await container.update(OID, 'k', 'a', 'old');
    const transaction = await container.begin();
    await transaction.update(OID, 'k', 'a', 'new');
    await transaction.update(OID, 'other', 'a', 'new too');
    expect(textOf(await transaction.fetch(OID, 'k', 'a'))).toBe('new');
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('old');
    const prepared = await container.preparedTransactions();
    expect(prepared).toEqual([{ id: transaction.id, epoch: transaction.epoch }]);
    await transaction.commit();
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('new');
    expect(textOf(await container.fetch(OID, 'other', 'a'))).toBe('new too');
    await expect(container.abort(transaction.id)).rejects.toMatchObject({ code: 'DER_ALREADY' });
  });

  test('a transaction that is not committed leaves nothing', async () => {
    {
      await using transaction = await container.begin();
      await transaction.update(OID, 'k', 'a', 'never');
      const found = await listed(container.versions(OID, 'k', 'a', { allVersions: true }));
      expect(found).toMatchObject([{ isInDoubt: true }]);
    }
    expect(await container.fetch(OID, 'k', 'a')).toBeUndefined();
    expect(await container.preparedTransactions()).toEqual([]);
  });

  test('what is in doubt is listed by a store opened again, and settled by id', async () => {
    const kept = await container.begin();
    await kept.update(OID, 'k', 'kept', 'yes');
    const dropped = await container.begin();
    await dropped.update(OID, 'k', 'dropped', 'no');
    const { uuid } = container;
    await vos.close();
    vos = await Vos.open(join(directory, 'store'), { arena });
    container = await vos.openContainer(uuid);
    const prepared = await container.preparedTransactions();
    expect(prepared.map(({ id }) => id).toSorted()).toEqual([kept.id, dropped.id].toSorted());
    await container.commit(kept.id);
    await container.abort(dropped.id);
    expect(await container.preparedTransactions()).toEqual([]);
    expect(textOf(await container.fetch(OID, 'k', 'kept'))).toBe('yes');
    expect(await container.fetch(OID, 'k', 'dropped')).toBeUndefined();
    await expect(container.commit(dropped.id)).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('what a transaction has read is not changed below it', async () => {
    await container.update(OID, 'k', 'a', 'old', { epoch: 10n });
    const reader = await container.begin();
    await reader.fetch(OID, 'k', 'a');
    await expect(container.update(OID, 'k', 'a', 'x', { epoch: 11n })).rejects.toMatchObject({
      code: 'DER_TX_RESTART',
    });
    await reader.commit();
  });

  test('aggregation keeps snapshots and what is newest', async () => {
    for (let epoch = 1n; epoch <= 20n; ++epoch) {
      await container.update(OID, 'k', 'a', `v${epoch}`, { epoch });
      await container.updateArray(OID, 'k', 'x', epoch * 4n, Uint8Array.of(1, 2, 3, 4), { epoch });
    }
    expect(await container.createSnapshot(7n)).toBe(7n);
    await expect(container.update(OID, 'k', 'a', 'late', { epoch: 7n })).rejects.toMatchObject({
      code: 'DER_EP_OLD',
    });
    const reduction = await container.aggregate(15n);
    expect(reduction.droppedCount).toBeGreaterThanOrEqual(13);
    expect(reduction.mergedCount).toBeGreaterThan(0);
    expect(await container.snapshots()).toEqual([7n]);
    expect(textOf(await container.snapshotRead(7n).fetch(OID, 'k', 'a'))).toBe('v7');
    await expect(container.snapshotRead(8n).fetch(OID, 'k', 'a')).rejects.toMatchObject({
      code: 'DER_EP_OLD',
    });
    const kept = await listed(container.versions(OID, 'k', 'a', { allVersions: true }));
    expect(kept.map(({ epoch }) => epoch)).toEqual([7n, 15n, 16n, 17n, 18n, 19n, 20n]);
    await container.deleteSnapshot(7n);
    await expect(container.deleteSnapshot(7n)).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('a discarded range was never written', async () => {
    await container.update(OID, 'k', 'a', 'old', { epoch: 10n });
    await container.update(OID, 'k', 'a', 'gone', { epoch: 20n });
    await container.punch(OID, 'k', [], { epoch: 21n });
    expect(await listed(container.punches(OID, 'k'))).toEqual([{ epoch: 21n, isInDoubt: false }]);
    expect(await container.discard(15n, 25n)).toMatchObject({ droppedCount: 2 });
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('old');
  });

  test('a store that is opened again holds what it held', async () => {
    await container.update(OID, 'k', 'a', 'kept');
    await vos.close();
    vos = await Vos.open(join(directory, 'store'), { arena });
    const [uuid] = await vos.listContainers();
    container = await vos.openContainer(uuid as string);
    expect(textOf(await container.fetch(OID, 'k', 'a'))).toBe('kept');
    expect((await container.usage()).objectCount).toBe(1);
    expect((await vos.space()).arenaUsedBytes).toBeGreaterThan(0);
  });

  test('a destroyed container is gone, and its space comes back', async () => {
    const before = (await vos.space()).arenaUsedBytes;
    const uuid = await vos.createContainer();
    const doomed = await vos.openContainer(uuid);
    for (let i = 0; i < 100; ++i) await doomed.update(OID, `k${i}`, 'a', 'x'.repeat(1000));
    expect((await vos.space()).arenaUsedBytes).toBeGreaterThan(before + 100_000);
    await expect(vos.destroyContainer(uuid)).rejects.toMatchObject({ code: 'DER_BUSY' });
    await doomed.close();
    await vos.destroyContainer(uuid);
    expect(await vos.listContainers()).not.toContain(uuid);
    while ((await vos.space()).arenaUsedBytes > before + 20_000) await setImmediate();
  });

  test('mistakes are named', async () => {
    await expect(Vos.open(join(directory, 'none'), { arena })).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    await expect(Vos.open(join(directory, 'store'), { arena })).rejects.toMatchObject({
      code: 'DER_BUSY',
    });
    await expect(vos.openContainer(crypto.randomUUID())).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    await expect(vos.openContainer('x')).rejects.toMatchObject({ code: 'DER_INVAL' });
    await expect(container.update(OID, '', 'a', 'x')).rejects.toMatchObject({ code: 'DER_INVAL' });
    await expect(container.update(OID, 'k', 'a', '')).rejects.toMatchObject({ code: 'DER_INVAL' });
    await container.close();
    await expect(container.fetch(OID, 'k', 'a')).rejects.toMatchObject({ code: 'DER_NO_HDL' });
    container = await vos.openContainer((await vos.listContainers())[0] as string);
    await vos.close();
    await expect(container.fetch(OID, 'k', 'a')).rejects.toMatchObject({ code: 'DER_NO_HDL' });
    vos = await Vos.open(join(directory, 'store'), { arena });
  });
});
