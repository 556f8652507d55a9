// Goal:   a disk of a storage host that is full costs what would need more of it, and nothing else.
// Method: a real server whose data directory is a file system of its own, small enough to be filled
//         by a file beside the store.
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Client, textOf } from '@daos/client';
import { makeObjectId } from '@daos/model';
import { canMountFileSystems, TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const onOwnFileSystem = canMountFileSystems() ? test : test.skip;

/** Takes all that is free, to the last block. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (let size = 16 * MIB; size >= 512; ) {
    try {
      if (writeSync(file, Buffer.alloc(size, 1)) < size) size /= 2;
    } catch {
      size /= 2;
    }
  }
  closeSync(file);
}

const freeBytes = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

onOwnFileSystem(
  'cli/full-disk: what a pool has stays readable and writable; what needs more is refused',
  async () => {
    await using system = await TestSystem.start({ dataFileSystemBytes: 900 * MIB });
    const control = system.admin();
    const data = system.dataDirectory;
    await control.call('createPool', { body: { label: 'p', size: 256 * MIB } });
    await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    const free = freeBytes(data);
    expect(free).toBeGreaterThan(100 * MIB);

    // Room by the configuration, none on the disk.
    const large = control.call('createPool', { body: { label: 'large', size: 1024 * MIB } });
    await expect(large).rejects.toMatchObject({ code: 'DER_NOSPACE' });
    expect(freeBytes(data)).toBeGreaterThan(free - MIB);

    await using client = await Client.connect({ control: system.url, transports: ['tcp'] });
    await using pool = await client.openPool('p');
    await using container = await pool.openContainer('c');
    const object = container.object(
      makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' }),
    );
    const bulk = Buffer.alloc(MIB, 'bulk');
    await object.update('before', 'a', 'small');
    await object.update('before', 'b', bulk);
    const filler = join(data, 'filler');
    fill(filler);
    expect(freeBytes(data)).toBeLessThan(4096);

    const params = { pool: 'p' };
    const refused = control.call('createContainer', { params, body: { label: 'd' } });
    await expect(refused).rejects.toMatchObject({
      code: 'DER_NOSPACE',
      message: expect.stringMatching(/full|space/),
    });
    await object.update('meanwhile', 'a', 'small');
    await object.update('meanwhile', 'b', bulk);
    // A new engine has to be recorded, for which there may be no room until there is some.
    process.kill(system.enginePids()[0] as number, 'SIGKILL');
    const found = until(() => object.fetch('before', 'a').catch(() => undefined));
    await setTimeout(500);
    rmSync(filler);
    await found;
    for (const key of ['before', 'meanwhile']) {
      expect(textOf(await object.fetch(key, 'a'))).toBe('small');
      expect(bulk.equals((await object.fetch(key, 'b')) as Uint8Array)).toBe(true);
    }
    await control.call('createContainer', { params, body: { label: 'd' } });
    const { containers } = await control.call('listContainers', { params });
    expect(containers.map(({ label }) => label)).toEqual(['c', 'd']);
  },
);
