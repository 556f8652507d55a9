import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MEDIA_BLOCK_SIZE, Media } from './index.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'daos-bio-'));
});
afterEach(() => rm(directory, { recursive: true }));

const drivers: [string, () => Promise<Media>][] = [
  ['memory', () => Media.openMemory({ sizeBytes: 1 << 20 })],
  ['file', () => Media.create(join(directory, 'disk'), { sizeBytes: 1 << 20 })],
];

describe.each(drivers)('bio/media on %s', (_name, open) => {
  test('what was written is read, from aligned memory and any other', async () => {
    await using media = await open();
    const aligned = await Media.allocate(2 * MEDIA_BLOCK_SIZE);
    aligned.fill(1, 0, MEDIA_BLOCK_SIZE).fill(2, MEDIA_BLOCK_SIZE);
    await media.write(MEDIA_BLOCK_SIZE, aligned);
    await media.flush();
    const odd = new Uint8Array(MEDIA_BLOCK_SIZE + 1).subarray(1);
    await media.read(2 * MEDIA_BLOCK_SIZE, odd);
    expect(odd.every((byte) => byte === 2)).toBe(true);
    await media.write(0, odd, { durable: true });
    await media.read(0, aligned);
    expect([aligned[0], aligned[MEDIA_BLOCK_SIZE]]).toEqual([2, 1]);
  });

  test('transfers that are not in whole blocks inside of the device are refused', async () => {
    await using media = await open();
    const block = new Uint8Array(MEDIA_BLOCK_SIZE);
    await expect(media.read(1, block)).rejects.toMatchObject({ code: 'DER_INVAL' });
    await expect(media.read(1 << 20, block)).rejects.toMatchObject({ code: 'DER_INVAL' });
    await expect(media.write(0, block.subarray(1))).rejects.toMatchObject({ code: 'DER_INVAL' });
  });

  test('statistics count transfers, and a closed device is closed', async () => {
    const media = await open();
    await Promise.all(
      Array.from({ length: 10 }, () => media.read(0, new Uint8Array(MEDIA_BLOCK_SIZE))),
    );
    await media.discard(0, MEDIA_BLOCK_SIZE);
    const info = await media.query();
    expect(info).toMatchObject({
      sizeBytes: 1 << 20,
      read: { count: 10, sizeBytes: 10 * MEDIA_BLOCK_SIZE, errorCount: 0 },
    });
    expect(info.read.p99Ns).toBeGreaterThan(0);
    expect(info.failure).toBeUndefined();
    await media.close();
    await expect(media.query()).rejects.toMatchObject({ code: 'DER_NO_HDL' });
  });
});

describe('bio/media', () => {
  test('a file keeps its bytes, is locked while it is open, and is not created twice', async () => {
    const path = join(directory, 'disk');
    const block = new Uint8Array(MEDIA_BLOCK_SIZE).fill(9);
    {
      await using media = await Media.create(path, { sizeBytes: 1 << 20, written: true });
      await media.write(0, block, { durable: true });
      await expect(Media.open(path)).rejects.toMatchObject({ code: 'DER_BUSY' });
    }
    await using again = await Media.open(path, { direct: false });
    await again.read(0, block.fill(0));
    expect(block[0]).toBe(9);
    await expect(Media.create(path, { sizeBytes: 1 << 20 })).rejects.toMatchObject({
      code: 'DER_EXIST',
    });
    await expect(Media.open(join(directory, 'none'))).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    await expect(Media.create(join(directory, 'empty'), { sizeBytes: 0 })).rejects.toMatchObject({
      code: 'DER_INVAL',
    });
  });
});
