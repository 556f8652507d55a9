// Goal:   a quota of a container holds over all engines, lets in what fits wherever it falls, and
//         survives the death of an engine; a pool gets another size beneath open containers; what
//         devices, targets and metrics there are is told.
// Method: a server with two engines; commands run in this process.

import { truncateSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type Container, type Pool } from '@daos/client';
import { makeObjectId, type DaosError } from '@daos/model';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

let system: TestSystem;
let client: Client;
let pool: Pool;

beforeAll(async () => {
  system = await TestSystem.start({ engineCount: 2, historySeconds: 1 });
  await dmg('pool', 'create', 'tank', '--scm-size', '48MiB', '--nvme-size', '32MiB');
  client = await Client.connect({ control: system.clientControl });
  pool = await client.openPool('tank');
});

afterAll(async () => {
  await pool?.close();
  await client?.close();
  await system?.stop();
});

const dmg = (...parameters: string[]) => system.run(makeDmg, parameters);
const daos = (...parameters: string[]) => system.run(makeDaos, parameters);
const jsonOf = async <T>(ran: Promise<{ output: string }>): Promise<T> =>
  (JSON.parse((await ran).output) as { response: T }).response;

const object = (container: Container, user: number) =>
  container.object(makeObjectId({ user: BigInt(user), type: 'MULTI_HASHED', objectClass: 'S1' }));

/** Of one size, until one is refused: how many went in, and why the next did not. */
async function fill(
  container: Container,
  sizeBytes: number,
  oidOf: (index: number) => number,
): Promise<{ count: number; error: DaosError }> {
  for (let count = 0; count < 1000; count++) {
    const value = Buffer.alloc(sizeBytes, count);
    const error = await object(container, oidOf(count))
      .update(`key ${count}`, 'a', value)
      .then(
        () => undefined,
        (failure: DaosError) => failure,
      );
    if (error) return { count, error };
  }
  throw new Error('nothing was refused');
}

async function allJoined(): Promise<void> {
  await until(async () => {
    const { ranks } = await system.admin().call('listRanks');
    if (!ranks.every(({ state }) => state === 'joined')) return undefined;
    // One whose death has not been noticed yet has no address while it starts again.
    return pool.refresh().then(
      () => true,
      () => undefined,
    );
  });
}

describe('cli/quotas', () => {
  test('one target may use all of a quota of bytes, whatever others were given', async () => {
    await daos('cont', 'create', 'tank', 'one', '--properties', 'quota_bytes:2MiB');
    await using one = await pool.openContainer('one');
    const { count, error } = await fill(one, 64 * KIB, () => 1);
    expect(error).toMatchObject({ code: 'DER_NOSPACE' });
    expect(error.message).toMatch(/has used up its quota of 2097152 bytes/);
    // Of 32 that fit without what is stored about them.
    expect(count).toBeGreaterThanOrEqual(30);
    const query = await jsonOf<{ usedBytes: number; quotaBytes: number }>(
      daos('--json', 'cont', 'query', 'tank', 'one'),
    );
    expect(query.usedBytes).toBeGreaterThan(count * 64 * KIB);
    expect(query.usedBytes).toBeLessThanOrEqual(query.quotaBytes + 16 * KIB);
    expect((await daos('cont', 'query', 'tank', 'one')).output).toMatch(/Used: .* of 2.0 MiB/);
  });

  test('a quota is raised, lowered below what is used, and lifted', async () => {
    await daos('cont', 'create', 'tank', 'two', '--properties', 'quota_bytes:512KiB');
    await using two = await pool.openContainer('two');
    const first = await fill(two, 64 * KIB, (index) => index);
    expect(first.count).toBeGreaterThanOrEqual(6);
    expect((await dmg('cont', 'set-prop', 'tank', 'two', 'quota_bytes:1MiB')).status).toBe(0);
    const second = await fill(two, 64 * KIB, (index) => 100 + index);
    expect(second.count).toBeGreaterThanOrEqual(6);
    await dmg('cont', 'set-prop', 'tank', 'two', 'quota_bytes:1KiB');
    expect((await fill(two, 1, () => 1)).count).toBe(0);
    await object(two, 1).punch();
    await dmg('cont', 'set-prop', 'tank', 'two', 'quota_bytes:0');
    expect(await outcomeOf(object(two, 1).update('key', 'a', Buffer.alloc(64 * KIB)))).toBe('done');
  });

  test('objects have a quota of their own, also after the death of an engine', async () => {
    await daos('cont', 'create', 'tank', 'three', '--properties', 'quota_objects:8');
    await using three = await pool.openContainer('three');
    const before = await fill(three, 10, (index) => index);
    expect(before.count).toBe(8);
    expect(before.error.message).toMatch(/quota of 8 objects/);
    const pids = system.enginePids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until(() => system.enginePids().every((pid) => !pids.includes(pid)) || undefined);
    await allJoined();
    expect(await outcomeOf(object(three, 1).update('more', 'a', 'of the same'))).toBe('done');
    expect(await outcomeOf(object(three, 99).update('key', 'a', 'new'))).toBe('DER_NOSPACE');
    expect((await daos('cont', 'query', 'tank', 'three')).output).toMatch(/Objects: +8 of 8/);
  });

  test('a quota is an administrator to change, and a number', async () => {
    const wrong = await daos('cont', 'create', 'tank', 'x', '--properties', 'quota_objects:many');
    expect(wrong).toMatchObject({ status: EXIT_CODES.usage });
    const none = await dmg('cont', 'set-prop', 'tank', 'one', 'colour:red');
    expect(none.status).toBe(EXIT_CODES.usage);
    expect(none.errors).toMatch(/colour/);
  });

  test('a pool grows and shrinks beneath an open container, to what is used', async () => {
    await daos('cont', 'create', 'tank', 'four');
    await using four = await pool.openContainer('four');
    const value = Buffer.alloc(4 * MIB, 'v');
    for (const key of [1, 2, 3, 4]) await object(four, key).update('k', 'a', value);
    expect((await dmg('pool', 'resize', 'tank', '--nvme-size', '64MiB')).output).toMatch(
      /pool tank has 224.0 MiB now/,
    );
    expect(Buffer.from((await object(four, 1).fetch('k', 'a'))!).equals(value)).toBe(true);
    const refused = await dmg('pool', 'resize', 'tank', '--nvme-size', '1MiB');
    expect(refused.status).toBe(EXIT_CODES.noSpace);
    expect(refused.errors).toMatch(/can't be cut to 1048576 bytes: \d+ bytes of data lie in it/);
    const tooLarge = await dmg('pool', 'resize', 'tank', '--size', '1TB');
    expect(tooLarge.status).toBe(EXIT_CODES.noSpace);
    expect(tooLarge.errors).toMatch(/needs .* more on rank 0, where .* are free/);
    expect((await dmg('pool', 'resize', 'tank', '--size', '160MiB')).output).toMatch(
      /has 160.0 MiB now/,
    );
    expect(Buffer.from((await object(four, 4).fetch('k', 'a'))!).equals(value)).toBe(true);
    const status = await jsonOf<{ targets: { data: { totalBytes: number } }[] }>(
      dmg('--json', 'pool', 'query', 'tank'),
    );
    for (const { data } of status.targets) expect(data.totalBytes).toBeLessThan(32 * MIB);
  });

  test('devices, targets, metrics and the host that acts are told', async () => {
    const devices = await dmg('storage', 'query', 'list-devices', '--health');
    expect(devices.output).toMatch(/^ +0 +0 .*\/target-0\/data .* NORMAL /m);
    expect(devices.output).toMatch(/^ +1 +0 .*\/target-0\/store .* NORMAL /m);
    const none = await dmg('storage', 'query', 'list-devices', '--show-evicted');
    expect(none.output).toBe('no devices\n');
    const [, file = ''] = /(\/\S+\/target-0\/data)/.exec(devices.output) ?? [];
    const light = await dmg('storage', 'led', 'identify', file, '--rank', '0');
    expect(light.errors).toMatch(/is a file: only a drive in a slot has a light/);
    const other = await dmg('storage', 'led', 'identify', '/etc/passwd', '--rank', '0');
    expect(other.status).toBe(EXIT_CODES.notFound);
    const targets = await dmg('pool', 'query-targets', 'tank', '--rank', '1', '--target-idx', '0');
    expect(targets.output).toMatch(/^ +1 +0 +up /m);
    const unknown = await dmg('pool', 'query-targets', 'tank', '--rank', '7');
    expect(unknown.status).toBe(EXIT_CODES.notFound);
    expect((await dmg('telemetry', 'metrics', 'list')).output).toMatch(
      /engine_pool_ops_update +unknown/,
    );
    const query = ['telemetry', 'metrics', 'query', '-m'];
    expect((await dmg(...query, 'daos_device_bytes')).output).toMatch(/rank=1 target=0 pool=/);
    expect((await dmg(...query, 'none')).status).toBe(EXIT_CODES.notFound);
    expect((await dmg('system', 'leader-query')).output).toBe(`${system.url}\n`);
    expect((await daos('system', 'query')).output).toBe(`${system.url}\n`);
    expect((await dmg('network', 'scan')).output).toMatch(/ lo +127\.0\.0\.1/);
    expect((await daos('pool', 'get-prop', 'tank', 'label')).output).toMatch(/label +tank/);
    expect((await daos('pool', 'list-containers', 'tank')).output).toMatch(/^four /m);
    expect((await daos('cont', 'list-objects', 'tank', 'three')).status).toBe(0);
  });

  test('a container is unclean once a rank that held some of it is out', async () => {
    const health = async () =>
      /status +(\S+)/.exec((await daos('cont', 'get-prop', 'tank', 'four', 'status')).output)?.[1];
    expect(await health()).toBe('HEALTHY');
    await dmg('system', 'exclude', '--ranks', '1');
    expect(await health()).toBe('UNCLEAN');
    await dmg('system', 'clear-exclude', '--ranks', '1');
    expect(await health()).toBe('UNCLEAN');
    await dmg('cont', 'set-prop', 'tank', 'four', 'status:healthy');
    expect(await health()).toBe('HEALTHY');
    // Its server has it join again.
    await allJoined();
  });

  test('a device is given up and replaced: its target stops, and comes back empty', async () => {
    await daos('cont', 'create', 'tank', 'five');
    await using five = await pool.openContainer('five');
    const users = Array.from({ length: 12 }, (_, user) => user);
    for (const user of users) await object(five, user).update('k', 'a', 'v');
    const devices = await dmg('storage', 'query', 'list-devices', '--ranks', '0');
    const [, file = ''] = /(\/\S+\/target-0\/data)/.exec(devices.output) ?? [];
    const giveUp = ['storage', 'set', 'nvme-faulty', file, '--rank', '0'];
    expect((await dmg(...giveUp)).errors).toMatch(/would stop, with all its pools.*say --force/);
    const early = await dmg('storage', 'replace', 'nvme', file, '--rank', '0', '--force');
    expect(early.status).toBe(EXIT_CODES.busy);
    expect((await dmg(...giveUp, '--force')).status).toBe(0);
    const evicted = await dmg('storage', 'query', 'list-devices', '--show-evicted');
    expect(evicted.output).toMatch(/target-0\/data .* FAULTY/);
    expect((await dmg('pool', 'query', 'tank')).output).toMatch(/Unreachable ranks: +0/);

    const replace = ['storage', 'replace', 'nvme', file, '--rank', '0'];
    expect((await dmg(...replace)).errors).toMatch(/has no copy and would be lost/);
    expect(await dmg(...replace, '--force')).toMatchObject({ status: 0 });
    await pool.refresh();
    const values = await Promise.all(users.map((user) => object(five, user).fetch('k', 'a')));
    const keptCount = values.filter((value) => value !== undefined).length;
    expect(keptCount).toBeGreaterThan(0);
    expect(keptCount).toBeLessThan(users.length);
    for (const user of users) await object(five, user).update('k', 'a', 'again');
    expect((await daos('cont', 'query', 'tank', 'five')).output).toMatch(/Health: +UNCLEAN/);
  });

  test('a device over its error limit stops its target, until it is replaced', async () => {
    await daos('cont', 'create', 'tank', 'six');
    await using six = await pool.openContainer('six');
    const users = Array.from({ length: 32 }, (_, user) => 100 + user);
    const value = Buffer.alloc(50 * KIB, 7);
    for (const user of users) await object(six, user).update('k', 'a', value);
    const devices = await dmg('storage', 'query', 'list-devices', '--ranks', '0');
    const [, file = ''] = /(\/\S+\/target-0\/data)/.exec(devices.output) ?? [];
    expect(devices.output).not.toMatch(/FAULTY/);
    // Its blocks can't be read any more, as those of a disk that dies.
    truncateSync(file, MIB);
    const messages: string[] = [];
    for (const user of users) {
      await object(six, user)
        .fetch('k', 'a')
        .catch((error: DaosError) => messages.push(error.message));
      if (messages.at(-1)?.includes('has stopped')) break;
    }
    // Each error is told to who asked, and the eighth is the last.
    expect(messages.length).toBeGreaterThan(8);
    expect(messages[0]).toMatch(/the file ends here/);
    expect(messages.at(-1)).toMatch(/target 0 of rank 0 has stopped.*is faulty: 8 I\/O errors/);
    const evicted = await dmg('storage', 'query', 'list-devices', '--show-evicted');
    expect(evicted.output).toMatch(/target-0\/data .* FAULTY/);

    const replace = ['storage', 'replace', 'nvme', file, '--rank', '0', '--force'];
    expect(await dmg(...replace)).toMatchObject({ status: 0 });
    await pool.refresh();
    for (const user of users) {
      await object(six, user).update('k', 'a', value);
      const found = await object(six, user).fetch('k', 'a');
      expect(found && value.equals(found)).toBe(true);
    }
    const sound = await dmg('storage', 'query', 'list-devices', '--show-evicted');
    expect(sound.output).not.toMatch(/FAULTY/);
  });
});
