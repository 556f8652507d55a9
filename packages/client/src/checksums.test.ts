// Checksums from end to end: made here, kept by the engine, compared here.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from './container.js';
import { startLoopback, type Loopback } from './loopback-fixture.js';

const SIZE = 20_000;

/** Flips a bit in every copy of `pattern` in the files under `directory`; tells how many. */
async function damageCopies(directory: string, pattern: Buffer): Promise<number> {
  let count = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const at = (await readFile(path)).indexOf(pattern);
    if (at < 0) continue;
    const file = await open(path, 'r+');
    const place = at + pattern.length / 2;
    await file.write(Uint8Array.of(pattern.readUInt8(pattern.length / 2) ^ 4), 0, 1, place);
    await file.close();
    ++count;
  }
  return count;
}

describe('checksums', () => {
  let system: Loopback;
  beforeAll(async () => {
    system = await startLoopback({ transport: 'shm', targetCount: 1 });
  });
  afterAll(async () => system[Symbol.asyncDispose]());

  async function openWith(properties: Loopback['directory']['properties']): Promise<Container> {
    system.directory.properties = properties;
    return await system.pool.openContainer(system.directory.containerUuid);
  }
  const newOid = (user: bigint) => makeObjectId({ user, type: 'MULTI_HASHED', objectClass: 'S1' });

  test.each([
    ['crc32', 'on', 1n],
    ['crc32', 'off', 2n],
    ['crc64', 'on', 3n],
    ['sha256', 'on', 4n],
  ])('%s, compared by the engine %s: a changed byte is told', async (kind, by, user) => {
    await using container = await openWith({ cksum: kind, cksum_size: 4096, srv_cksum: by });
    const object = container.object(newOid(user));
    const value = randomBytes(SIZE);
    await object.update('k', 'single', value);
    await object.updateArray('k', 'array', 5, value);
    const into = Buffer.alloc(SIZE);
    expect(value.equals((await object.fetch('k', 'single')) as Uint8Array)).toBe(true);
    await object.fetchArray('k', 'array', 5, into);
    expect(value.equals(into)).toBe(true);
    while ((await damageCopies(system.dataDirectory, value)) > 0);
    await expect(object.fetch('k', 'single')).rejects.toMatchObject({ code: 'DER_CSUM' });
    await expect(object.fetchArray('k', 'array', 5, into)).rejects.toMatchObject({
      code: 'DER_CSUM',
    });
    // What lies in other chunks is as it was.
    const chunk = Buffer.alloc(4096);
    await object.fetchArray('k', 'array', 5, chunk);
    expect(value.subarray(0, 4096).equals(chunk)).toBe(true);
  });

  test('a kind that this client cannot compute is named', async () => {
    await expect(openWith({ cksum: 'sha3' })).rejects.toMatchObject({
      code: 'DER_NOSYS',
      message: expect.stringContaining("'sha3'"),
    });
  });
});
