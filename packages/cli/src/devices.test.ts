// Goal:   engines keep their pools on devices that they are given: formatted when an administrator
//         says so, whole after a crash, and replaced when they fail.
// Method: real daos-servers on files of fixed size, which engines use as they do block devices, and
//         on loop devices where the machine has them; every step through dmg and daos.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { attachLoop } from './loop-fixture.js';
import { TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const scratch = mkdtempSync(join(tmpdir(), 'daos-devices-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let fileCount = 0;
function makeFile(sizeBytes: number): string {
  const path = join(scratch, `device${fileCount++}`);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}

const twoDevices = () => [
  { path: makeFile(512 * MIB), roles: ['wal', 'meta'] },
  { path: makeFile(1024 * MIB), roles: ['data'] },
];

async function dmg(system: TestSystem, ...parameters: string[]) {
  const ran = await system.run(makeDmg, ['--json', ...parameters]);
  return { ...ran, ...(JSON.parse(ran.output) as { response: any; error: string | null }) };
}

async function stateOf(system: TestSystem): Promise<string> {
  return (await dmg(system, 'system', 'query')).response.ranks[0].state as string;
}

async function joined(system: TestSystem): Promise<void> {
  await until(async () => ((await stateOf(system)) === 'joined' ? true : undefined));
}

/** An object with a small and a large value; reads them back. */
async function useContainer(system: TestSystem, pool: string) {
  const daos = (...parameters: string[]) => system.run(makeDaos, parameters);
  const values = { small: 'a small value', large: 'abcdefgh'.repeat(100_000) };
  await daos('container', 'create', pool, 'box');
  const small = ['object', 'put', pool, 'box', 'new', 'small', inFile(values.small)];
  const { output } = await daos('--json', ...small);
  const id = (JSON.parse(output) as { response: { oid: string } }).response.oid;
  await daos('object', 'put', pool, 'box', id, 'large', inFile(values.large));
  const read = async () => {
    const small = (await daos('object', 'get', pool, 'box', id, 'small')).output;
    const large = (await daos('object', 'get', pool, 'box', id, 'large')).output;
    return small === values.small && large === values.large;
  };
  return { read };
}

function inFile(text: string): string {
  const path = join(scratch, `value${fileCount++}`);
  writeFileSync(path, text);
  return path;
}

describe('dmg storage, devices', () => {
  test('what is formatted keeps pools, and is found again after a crash', async () => {
    const devices = twoDevices();
    await using system = await TestSystem.start({ devices, targetCount: 2 });
    expect(await stateOf(system)).toBe('awaitformat');
    const early = await dmg(system, 'pool', 'create', 'early', '--size', '200MiB');
    expect(early.error).toContain('0 of 1 are joined');

    const formatted = await dmg(system, 'storage', 'format');
    expect(formatted).toMatchObject({ status: 0, response: { results: [{ rank: 0 }] } });
    await joined(system);
    const again = await dmg(system, 'storage', 'format', '--ranks', '0');
    expect(again.error).toContain('only ranks in state awaitformat are formatted');

    const { response } = await dmg(system, 'storage', 'query', 'list-devices');
    expect(response.ranks[0].ownDevices).toMatchObject([
      { path: devices[0]?.path, roles: ['wal', 'meta'], targets: [0, 1], state: 'normal' },
      { path: devices[1]?.path, roles: ['data'], targets: [0, 1], state: 'normal' },
    ]);
    expect((await dmg(system, 'pool', 'create', 'tank', '--size', '100%')).status).toBe(0);
    const usage = (await dmg(system, 'storage', 'query', 'usage', '--show-usable')).response;
    expect(usage.ranks[0].tiers[1].freeBytes).toBeLessThan(8 * MIB);
    const more = await dmg(system, 'pool', 'create', 'more', '--size', '200MiB');
    expect(more.error).toMatch(/needs .* of the devices for (wal, meta|data) on rank 0/);

    const { read } = await useContainer(system, 'tank');
    expect(await read()).toBe(true);
    for (const pid of system.enginePids()) process.kill(pid, 'SIGKILL');
    await until(async () => ((await stateOf(system)) === 'joined' ? undefined : true));
    await joined(system);
    expect(await read()).toBe(true);
    expect((await dmg(system, 'pool', 'destroy', 'tank', '--recursive')).status).toBe(0);
    const empty = (await dmg(system, 'storage', 'query', 'usage')).response;
    expect(empty.ranks[0].tiers[1].freeBytes).toBe(empty.ranks[0].tiers[1].totalBytes);
    const hasDiscarded = async () => {
      const devices = (await dmg(system, 'storage', 'query', 'list-devices')).response.ranks[0];
      const [log, data] = devices.ownDevices;
      expect([log.discardErrorCount, data.discardErrorCount]).toEqual([0, 0]);
      return log.discardedBytes > 0 && data.discardedBytes > 500 * MIB ? true : undefined;
    };
    await until(hasDiscarded);
  });

  test('a device that is not blank is formatted by force alone', async () => {
    const path = makeFile(512 * MIB);
    const file = openSync(path, 'r+');
    writeSync(file, 'somebody else was here', 4096);
    closeSync(file);
    const parameters = ['--auto-format'];
    await using system = await TestSystem.start({ devices: [{ path }], parameters });
    const { response } = await dmg(system, 'system', 'query');
    expect(response.ranks[0]).toMatchObject({ state: 'awaitformat' });
    expect(response.ranks[0].reason).toContain(path);
    const refused = await dmg(system, 'storage', 'format');
    expect(refused.error).toContain(path);
    expect((await dmg(system, 'storage', 'format', '--force')).status).toBe(0);
    await joined(system);
  });

  test('a faulty device is replaced: its targets serve again, what it held is lost', async () => {
    const devices = twoDevices();
    await using system = await TestSystem.start({ devices, parameters: ['--auto-format'] });
    await joined(system);
    for (const pool of ['one', 'two']) {
      await dmg(system, 'pool', 'create', pool, '--size', '200MiB');
    }
    const { read } = await useContainer(system, 'one');
    const list = async () =>
      (await dmg(system, 'storage', 'query', 'list-devices')).response.ranks[0];
    const uuid = (await list()).ownDevices[1].uuid as string;
    const giveUp = ['storage', 'set', 'nvme-faulty', '--uuid', uuid];
    expect((await dmg(system, ...giveUp)).error).toContain('--force');
    expect((await dmg(system, ...giveUp, '--force')).status).toBe(0);
    expect((await list()).ownDevices[1].state).toBe('faulty');
    const replace = ['storage', 'replace', 'nvme', '--old-uuid', uuid];
    expect((await dmg(system, ...replace)).error).toContain('has no copy and would be lost');
    expect((await dmg(system, ...replace, '--force')).status).toBe(0);
    const [, renewed] = (await list()).ownDevices;
    expect(renewed).toMatchObject({ path: devices[1]?.path, state: 'normal' });
    expect(renewed.uuid).not.toBe(uuid);
    expect(await read()).toBe(false);
    const { read: readAgain } = await useContainer(system, 'two');
    expect(await readAgain()).toBe(true);
  });

  test.each([true, false])('discard: %s says whether files get holes', async (discard) => {
    const path = makeFile(512 * MIB);
    writeFileSync(path, Buffer.alloc(MIB), { flag: 'r+' });
    const blocks = () => statSync(path).blocks * 512;
    execFileSync('fallocate', ['--length', String(512 * MIB), path]);
    expect(blocks()).toBeGreaterThanOrEqual(512 * MIB);
    const parameters = ['--auto-format'];
    {
      await using system = await TestSystem.start({ devices: [{ path }], discard, parameters });
      await joined(system);
      expect((await dmg(system, 'pool', 'create', 'tank', '--size', '200MiB')).status).toBe(0);
      expect((await dmg(system, 'pool', 'destroy', 'tank')).status).toBe(0);
      if (discard) await until(async () => (blocks() < 64 * MIB ? true : undefined));
    }
    expect(blocks() < 64 * MIB).toBe(discard);
  });

  const loop = attachLoop(makeFile(512 * MIB));
  const testOnLoop = loop ? test : test.skip;
  testOnLoop('a block device serves as a file does (where there are loop devices)', async () => {
    await using system = await TestSystem.start({
      devices: [{ path: loop?.device ?? '' }],
      parameters: ['--auto-format'],
    });
    await joined(system);
    expect((await dmg(system, 'pool', 'create', 'tank', '--size', '200MiB')).status).toBe(0);
    expect(await (await useContainer(system, 'tank')).read()).toBe(true);
  });
  afterAll(() => loop?.detach());
});
