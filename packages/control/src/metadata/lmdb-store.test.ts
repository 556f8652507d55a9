import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { open } from 'lmdb';
import { describeMetadataStore } from './conformance.js';
import { LmdbStore } from './lmdb-store.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-lmdb-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let directoryCount = 0;
const newDirectory = () => join(scratch, String(directoryCount++));

let directory = '';
describeMetadataStore('control/lmdb-store', {
  leaseTtlMs: 200,
  open: async () => {
    directory = newDirectory();
    return LmdbStore.open({ directory });
  },
  reopen: async (store) => {
    await store.close();
    return LmdbStore.open({ directory });
  },
});

describe('control/lmdb-store, its own', () => {
  test('a store of another format version is refused and left alone', async () => {
    const where = newDirectory();
    await LmdbStore.open({ directory: where }).close();
    const raw = open({ path: where });
    await raw.openDB<number, string>({ name: 'header' }).put('format', 99);
    await raw.close();
    expect(() => LmdbStore.open({ directory: where })).toThrow(
      expect.objectContaining({ code: 'DER_DF_INCOMPT', message: expect.stringContaining('99') }),
    );
  });

  test('a store that is damaged or cut short is refused by name, and ends no process', async () => {
    const where = newDirectory();
    await LmdbStore.open({ directory: where }).close();
    const file = join(where, 'data.mdb');
    const whole = readFileSync(file);
    const damaged = Buffer.from(whole).fill(0xa5, 0, 4096);
    for (const bytes of [damaged, whole.subarray(0, 8192), Buffer.from('no store')]) {
      writeFileSync(file, bytes);
      expect(() => LmdbStore.open({ directory: where })).toThrow(
        expect.objectContaining({ code: 'DER_DF_INVAL', message: expect.stringContaining(file) }),
      );
    }
    writeFileSync(file, whole);
    await LmdbStore.open({ directory: where }).close();
  });

  test('a watch from a revision that is compacted away is told to range again', async () => {
    await using store = LmdbStore.open({ directory: newDirectory() });
    const writes = [];
    for (let i = 0; i < 10_050; i++) writes.push(store.txn([], [{ put: '/a', value: String(i) }]));
    await Promise.all(writes);
    const watch = store.watch({ prefix: '/', afterRevision: 10 })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'DER_STALE' });
  });

  test('a directory that cannot be written is an error that names it', () => {
    const where = join(import.meta.filename, 'below-a-file');
    expect(() => LmdbStore.open({ directory: where })).toThrow(
      expect.objectContaining({ code: 'DER_IO', message: expect.stringContaining(where) }),
    );
  });
});
