// Goal:   every property of a container that is accepted is seen again and does what it says; every
//         other one is refused with what it is about.
// Method: daos and dmg on a real server, and the client.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import { formatObjectId, makeObjectId } from '@daos/model';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { TestSystem } from './system-fixture.js';

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start({ targetCount: 2 });
  await system.run(makeDmg, ['pool', 'create', 'p', '--size', '256MiB']);
});
afterAll(async () => system?.stop());

const daos = (line: string) => system.run(makeDaos, line.split(' '));
const dmg = (line: string) => system.run(makeDmg, line.split(' '));

async function create(label: string, options: string): Promise<void> {
  expect(await daos(`container create p ${label} ${options}`)).toMatchObject({ status: 0 });
}

/** How many dkeys an array of so many bytes is kept under. */
async function chunkCount(label: string, size: number): Promise<number> {
  const oid = makeObjectId({ user: 1n, type: 'ARRAY_BYTE', objectClass: 'SX' });
  await using client = await Client.connect({ control: system.clientControl });
  await using pool = await client.openPool('p');
  await using container = await pool.openContainer(label);
  await container.byteArray(oid).write(0, Buffer.alloc(size, 1));
  const { output } = await daos(`--json object list-keys p ${label} ${formatObjectId(oid)}`);
  const { response } = JSON.parse(output) as { response: { keys: unknown[] } };
  return response.keys.length;
}

describe('cli/container-properties', () => {
  test('all that is set is shown, with units', async () => {
    const given = 'cksum:sha256,cksum_size:64KiB,srv_cksum:off,quota_bytes:1GiB,max_snapshot:3';
    await create('all', `--type HDF5 --oclass S2 --chunk-size 256KiB --properties ${given}`);
    const { output } = await daos('container get-prop p all');
    const shown = Object.fromEntries(
      output.split('\n').slice(2, -1).map((line) => line.split(/ {2,}/) as [string, string]),
    );
    expect(shown).toEqual({
      ...{ label: 'all', layout_type: 'HDF5', oclass: 'S2', chunk_size: '256.0 KiB' },
      ...{ cksum: 'sha256', cksum_size: '64.0 KiB', srv_cksum: 'off', quota_bytes: '1.0 GiB' },
      ...{ quota_objects: 'none', max_snapshot: '3', rd_fac: '0', compression: 'off' },
      ...{ encryption: 'off', dedup: 'off', status: 'HEALTHY' },
    });
    const { output: json } = await daos('--json container get-prop p all chunk_size,quota_bytes');
    expect(JSON.parse(json)).toMatchObject({
      response: { chunk_size: 256 * 1024, quota_bytes: 2 ** 30 },
    });
  });

  test('arrays lie in chunks of the size that their container says', async () => {
    await create('small', '--chunk-size 64KiB');
    await create('plain', '--properties rd_fac:0,compression:off,encryption:off,dedup:off');
    const size = 1024 * 1024;
    expect([await chunkCount('small', size), await chunkCount('plain', size)]).toEqual([16, 1]);
  });

  test('no more snapshots are made than there may be', async () => {
    await create('kept', '--properties max_snapshot:1');
    expect((await daos('container create-snap p kept')).status).toBe(0);
    const refused = await daos('container create-snap p kept');
    expect([refused.status, refused.errors]).toEqual([
      6,
      expect.stringMatching(/'kept' may have 1 snapshots, and has them[^]*destroy one of them/),
    ]);
    expect((await dmg('container set-prop p kept max_snapshot:2')).status).toBe(0);
    expect((await daos('container create-snap p kept')).status).toBe(0);
  });

  test.each([
    ['--properties rd_fac:1', /rd_fac: must be 0: engines keep nothing twice/],
    ['--properties rd_lvl:1', /rd_lvl: is about objects that are kept more than once/],
    ['--properties ec_cell_sz:64KiB', /ec_cell_sz: is about objects that are kept more than once/],
    ['--properties compression:lz4', /compression: must be off: values are stored as they are/],
    ['--properties encryption:aes-xts128', /encryption: must be off/],
    ['--properties dedup:memcmp', /dedup: must be off: equal values are stored each by itself/],
    ['--properties dedup_threshold:4096', /dedup_threshold: is about deduplication/],
    ['--properties cksum:adler32', /cksum: .*"crc32"/],
    ['--properties cksum_sise:4096', /unknown key 'cksum_sise': did you mean 'cksum_size'\?/],
    ['--properties label:other', /label: is given by its own parameter/],
    ['--properties max_snapshot:many', /max_snapshot: 'many' is not a number/],
    ['--chunk-size 1KiB', /chunk_size: .*4096/],
    ['--oclass RP_2G1', /oclass: must be one of S1, .*engines keep nothing twice/],
    ['--hints file:max', /--hints is about files and directories, .*see --oclass/],
    ['--file-oclass S1', /--file-oclass is about files and directories/],
    ['-d S1', /--dir-oclass is about files and directories/],
    ['--path /mnt/x', /--path is about files and directories, .*see --attrs/],
    ['--mode relaxed', /--mode is about files and directories/],
  ])('%s is refused, and says why', async (options, why) => {
    const { status, errors } = await daos(`container create p refused ${options}`);
    expect([status, errors]).toEqual([2, expect.stringMatching(why)]);
    expect((await daos('container query p refused')).status).toBe(3);
  });

  test.each([
    ['oclass:S2', /oclass: is chosen when a container is created, and stays/],
    ['chunk_size:64KiB', /chunk_size: is chosen when a container is created/],
    ['quota_byte:1GiB', /unknown key 'quota_byte': did you mean 'quota_bytes'\?/],
  ])('what cannot change is not changed: %s', async (properties, why) => {
    await create('fixed', '').catch(() => undefined);
    const { status, errors } = await dmg(`container set-prop p fixed ${properties}`);
    expect([status, errors]).toEqual([2, expect.stringMatching(why)]);
  });
});
