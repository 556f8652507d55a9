// Goal:   a pool on a device shrinks to what is used, and what it gives up is another pool's at
//         once; an engine killed meanwhile loses nothing.
// Method: a server with one engine on a file and on a loop device; values at the end of the data
//         area, those before them deleted; every step through dmg.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, type Container } from '@daos/client';
import { makeObjectId } from '@daos/model';
import { makeDmg } from './dmg.js';
import { attachLoop } from './loop-fixture.js';
import { TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const LARGE_MIB = 64;
const SMALL_MIB = 11;
const COUNT = 60;
const KEPT = 10;

const scratch = mkdtempSync(join(tmpdir(), 'daos-device-shrink-'));
const makeFile = (name: string): string => {
  const path = join(scratch, name);
  writeFileSync(path, '');
  truncateSync(path, 512 * MIB);
  return path;
};
const loop = attachLoop(makeFile('loop'));
afterAll(() => {
  loop?.detach();
  rmSync(scratch, { recursive: true });
});

const KINDS: [string, string][] = [['a file', makeFile('file')]];
if (loop) KINDS.push(['a loop device', loop.device]);

describe.each(KINDS)('cli/device-shrink on %s', (_kind, path) => {
  let system: TestSystem;
  let client: Client;

  beforeEach(async () => {
    system = await TestSystem.start({
      devices: [{ path }],
      parameters: ['--auto-format'],
      historySeconds: 1,
    });
    await joined();
    client = await Client.connect({ control: system.clientControl });
  });
  afterEach(async () => {
    await client?.close();
    await system?.stop();
    // The next system is another one.
    const [first] = KINDS;
    if (first && path === first[1]) makeFile('file');
    else writeFileSync(path, Buffer.alloc(2 * MIB), { flag: 'r+' });
  });

  const dmg = async (...parameters: string[]) => {
    const { output, status } = await system.run(makeDmg, ['--json', ...parameters]);
    return { status, ...(JSON.parse(output) as { response: any; error: string | null }) };
  };
  const joined = () =>
    until(async () => {
      const { response } = await dmg('system', 'query');
      return response.ranks[0].state === 'joined' ? true : undefined;
    });
  const valueOf = (number: number) => Buffer.alloc(MIB, number);
  const objectOf = (container: Container) =>
    container.object(makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }));
  const sized = (pool: string, mebibytes: number) =>
    dmg('pool', 'resize', pool, '--nvme-size', `${mebibytes}MiB`);
  const freeMiB = async (): Promise<number> => {
    const { response } = await dmg('storage', 'query', 'usage');
    return Math.floor(response.ranks[0].tiers.at(-1).freeBytes / MIB);
  };
  async function usedBytes(pool: string): Promise<number> {
    const { targets } = await system.admin().call('queryPool', { params: { pool } });
    return targets[0]?.data?.usedBytes ?? 0;
  }
  async function fill(pool: string, container: Container): Promise<void> {
    const object = objectOf(container);
    for (let i = 0; i < COUNT; i++) await object.update(`key ${i}`, 'a', valueOf(i));
    for (let i = 0; i < COUNT - KEPT; i++) await object.punchDkey(`key ${i}`);
    await until(async () => ((await usedBytes(pool)) <= KEPT * MIB ? true : undefined));
  }
  async function expectKept(container: Container): Promise<void> {
    for (let i = COUNT - KEPT; i < COUNT; i++) {
      const found = await objectOf(container).fetch(`key ${i}`, 'a');
      expect([i, found && valueOf(i).equals(found)]).toEqual([i, true]);
    }
  }
  async function withPool(action: (container: Container) => Promise<void>): Promise<void> {
    const sizes = ['--scm-size', '32MiB', '--nvme-size'];
    await dmg('pool', 'create', 'tank', ...sizes, `${LARGE_MIB}MiB`);
    await dmg('pool', 'create', 'other', ...sizes, '16MiB');
    await system.admin().call('createContainer', {
      params: { pool: 'tank' },
      body: { label: 'box' },
    });
    await using openPool = await client.openPool('tank');
    await using container = await openPool.openContainer('box');
    await fill('tank', container);
    await action(container);
  }

  test('what it gives up is given to another pool, and its data stays', async () => {
    await withPool(async (container) => {
      const givenMiB = LARGE_MIB - SMALL_MIB;
      const wantedMiB = 16 + (await freeMiB()) + givenMiB;
      const tooLarge = await sized('other', wantedMiB);
      expect(tooLarge.error).toMatch(/needs .* more on rank 0, where .* are free/);
      const tooSmall = await sized('tank', KEPT - 1);
      expect(tooSmall.error).toMatch(/bytes of data lie in it/);
      expect((await sized('tank', SMALL_MIB)).error).toBeNull();
      await expectKept(container);
      expect((await sized('other', wantedMiB)).error).toBeNull();
      expect(await freeMiB()).toBe(0);
      await expectKept(container);
    });
  });

  test('killed in between it goes on, and nothing is lost', async () => {
    await withPool(async (container) => {
      const shrinking = sized('tank', SMALL_MIB);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const [pid = 0] = system.enginePids();
      process.kill(pid, 'SIGKILL');
      await shrinking;
      await until(async () => ((await sized('tank', SMALL_MIB)).status === 0 ? true : undefined));
      await expectKept(container);
      expect((await sized('other', 16 + (await freeMiB()))).error).toBeNull();
      await expectKept(container);
    });
  });
});
