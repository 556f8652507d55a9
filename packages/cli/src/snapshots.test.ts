// Goal:   snapshots as users meet them: a state that stays, that is read, compared and gone back
//         to.
// Method: a real server with two real engines; the command line and the client of programs.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, textOf, type Container, type DaosObject, type Pool } from '@daos/client';
import type { ControlClient } from '@daos/control/client';
import { formatObjectId, makeObjectId, type ObjectId } from '@daos/model';
import { makeDaos } from './daos.js';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

/** Old versions go soon: what is still there is there because a snapshot pins it. */
const HISTORY_S = 1;
const MIB = 2 ** 20;
const oidOf = (user: bigint): ObjectId =>
  makeObjectId({ user, type: 'MULTI_LEXICAL', objectClass: 'SX' });
const [FIRST, SECOND] = [oidOf(1n), oidOf(2n)];

let system: TestSystem;
let control: ControlClient;
let client: Client;
let pool: Pool;
let container: Container;
let object: DaosObject;
let containerCount = 0;
let label = '';

beforeAll(async () => {
  system = await TestSystem.start({ engineCount: 2, historySeconds: HISTORY_S });
  control = system.admin();
  await control.call('createPool', { body: { label: 'p', size: 512 * MIB } });
  client = await Client.connect({ control: system.url });
  pool = await client.openPool('p');
});

afterAll(async () => {
  await client.close();
  await system.stop();
});

beforeEach(async () => {
  label = `c${containerCount++}`;
  await control.call('createContainer', { params: { pool: 'p' }, body: { label } });
  container = await pool.openContainer(label);
  object = container.object(FIRST);
});

const daos = (...parameters: string[]) => system.run(makeDaos, parameters);

async function json<T>(...parameters: string[]): Promise<T> {
  const { output } = await daos('-j', ...parameters);
  return (JSON.parse(output) as { response: T }).response;
}

const snap = (name: string) =>
  json<{ epoch: string }>('cont', 'create-snap', 'p', label, '--snap', name);

async function read(from: DaosObject, dkey: string): Promise<string | undefined> {
  const value = await from.fetch(dkey, 'a');
  return value && textOf(value);
}

describe('cli/snapshots', () => {
  test('a snapshot keeps what was there, whatever is written or deleted later', async () => {
    for (const dkey of ['stays', 'changes', 'goes']) await object.update(dkey, 'a', 'old');
    await object.updateArray('array', 'a', 0, Buffer.alloc(64 * 1024, 1));
    const { epoch } = await snap('before');
    await object.update('changes', 'a', 'new');
    await object.punchDkey('goes');
    await object.update('comes', 'a', 'new');
    await object.updateArray('array', 'a', 0, Buffer.alloc(64 * 1024, 2));
    for (const name of ['before', BigInt(epoch)]) {
      await using opened = await pool.openContainer(label, { snapshot: name });
      expect(opened.snapshotEpoch).toBe(BigInt(epoch));
      const old = opened.object(FIRST);
      for (const dkey of ['stays', 'changes', 'goes']) expect(await read(old, dkey)).toBe('old');
      expect(await read(old, 'comes')).toBeUndefined();
      const into = new Uint8Array(64 * 1024);
      await old.fetchArray('array', 'a', 0, into);
      expect(into.every((byte) => byte === 1)).toBe(true);
      const dkeys: string[] = [];
      for await (const dkey of old.dkeys()) dkeys.push(textOf(dkey));
      expect(dkeys.sort()).toEqual(['array', 'changes', 'goes', 'stays']);
      expect(await outcomeOf(old.update('stays', 'a', 'x'))).toBe('DER_NO_PERM');
      const shared = await client.attachContainer(opened.share());
      expect(await read(shared.object(FIRST), 'changes')).toBe('old');
      await shared.close();
    }
    expect(await read(object, 'changes')).toBe('new');
  });

  test('what a snapshot pins stays for as long as it does, and no longer', async () => {
    await object.update('k', 'a', 'old');
    const { epoch } = await snap('one');
    const between = await object.update('k', 'a', 'between');
    await object.update('k', 'a', 'new');
    const readAt = async (at: bigint) => {
      // Writes are what makes old versions go.
      await object.update('other', 'a', 'x');
      return await object.fetch('k', 'a', { epoch: at }).then(
        (value) => value && textOf(value),
        (error: { code: string }) => error.code,
      );
    };
    await until(async () => (await readAt(between)) === 'DER_EP_OLD' || undefined);
    expect(await readAt(BigInt(epoch))).toBe('old');
    await daos('cont', 'destroy-snap', 'p', label, '-s', 'one');
    await until(async () => (await readAt(BigInt(epoch))) === 'DER_EP_OLD' || undefined);
    expect(await read(object, 'k')).toBe('new');
  });

  test('snapshots are listed, found by name and epoch, and destroyed', async () => {
    expect((await daos('cont', 'list-snaps', 'p', label)).output).toBe('no snapshots\n');
    const { epoch } = await snap('one');
    const second = await json<{ epoch: string }>('cont', 'create-snap', 'p', label);
    expect(BigInt(second.epoch)).toBeGreaterThan(BigInt(epoch));
    expect((await daos('cont', 'create-snap', 'p', label, '-s', 'one')).status).toBe(7);
    const listed = (await daos('cont', 'list-snaps', 'p', label)).output;
    expect(listed).toContain(`0x${BigInt(epoch).toString(16)}`);
    expect(listed).toMatch(/ one /);
    expect((await daos('cont', 'query', 'p', label)).output).toMatch(/Snapshots: +2/);
    expect((await daos('cont', 'destroy-snap', 'p', label, '-s', 'one')).status).toBe(0);
    const hex = `0x${BigInt(second.epoch).toString(16)}`;
    expect((await daos('cont', 'destroy-snap', 'p', label, '-e', hex)).status).toBe(0);
    expect((await daos('cont', 'destroy-snap', 'p', label, '-e', hex)).status).toBe(3);
    expect((await daos('cont', 'destroy-snap', 'p', label)).status).toBe(2);
    expect((await daos('cont', 'query', 'p', label)).output).toMatch(/Snapshots: +0/);
  });

  test('a difference names what came, went and changed, and nothing else', async () => {
    for (const dkey of ['stays', 'changes', 'goes']) await object.update(dkey, 'a', 'old');
    await object.update('stays', 'goes', 'old');
    await object.updateArray('array', 'a', 0, Buffer.alloc(100, 1));
    await object.updateArray('array', 'same', 0, Buffer.alloc(100, 1));
    await snap('one');
    await object.update('changes', 'a', 'new');
    // Written again, and the same as before.
    await object.update('stays', 'a', 'old');
    await object.punchAkeys('stays', ['goes']);
    await object.punchDkey('goes');
    await object.update('comes', 'a', 'new');
    await object.updateArray('array', 'a', 10, Buffer.alloc(10, 2));
    await container.object(SECOND).update('d', 'a', 'new');
    await snap('two');
    await object.punch();
    const diff = async (...names: string[]) => {
      const { differences } = await json<{ differences: Record<string, string>[] }>(
        ...['cont', 'diff', 'p', label, ...names],
      );
      return differences
        .map(({ change, oid, dkey = '', akey = '' }) => {
          return `${change} ${oid === formatObjectId(FIRST) ? 1 : 2} ${dkey} ${akey}`.trim();
        })
        .sort();
    };
    expect(await diff('one', 'two')).toEqual([
      'added 1 comes',
      'added 2',
      'changed 1 array a',
      'changed 1 changes a',
      'removed 1 goes',
      'removed 1 stays goes',
    ]);
    type Ranges = { differences: { dkey: string; ranges?: string[][] }[] };
    const { differences } = await json<Ranges>('cont', 'diff', 'p', label, 'one', 'two');
    const ranges = differences.filter((difference) => difference.ranges);
    expect(ranges).toMatchObject([{ dkey: 'array', ranges: [['10', '10']] }]);
    const shown = (await daos('cont', 'diff', 'p', label, 'one', 'two')).output;
    expect(shown).toMatch(/changed .* array +a +10-19\n/);
    expect(await diff('two', 'two')).toEqual([]);
    expect(await diff('two')).toEqual(['removed 1']);
    expect((await daos('cont', 'diff', 'p', label, 'two', 'two')).output).toBe('nothing changed\n');
  });

  test('a rollback brings back what was there and takes away what came later', async () => {
    for (const dkey of ['stays', 'changes', 'goes']) await object.update(dkey, 'a', 'old');
    await snap('one');
    await object.update('changes', 'a', 'new');
    await object.punchDkey('goes');
    await object.update('comes', 'a', 'new');
    await container.object(SECOND).update('d', 'a', 'new');
    await snap('two');
    const rollback = () => daos('cont', 'rollback', 'p', label, '--snap', 'one');
    const refused = await rollback();
    expect(refused.status).toBe(8);
    expect(refused.errors).toContain('a later snapshot, two,');
    await daos('cont', 'destroy-snap', 'p', label, '--snap', 'two');
    expect((await rollback()).status).toBe(0);
    await using opened = await pool.openContainer(label);
    const now = opened.object(FIRST);
    for (const dkey of ['stays', 'changes', 'goes']) expect(await read(now, dkey)).toBe('old');
    expect(await read(now, 'comes')).toBeUndefined();
    const oids: ObjectId[] = [];
    for await (const oid of opened.objects()) oids.push(oid);
    expect(oids).toEqual([FIRST]);
    await now.update('changes', 'a', 'newer');
    expect(await read(now, 'changes')).toBe('newer');
    await using old = await pool.openContainer(label, { snapshot: 'one' });
    expect(await read(old.object(FIRST), 'changes')).toBe('old');
  });

  test('snapshots outlive the engines, and are needed of all of them', async () => {
    await object.update('k', 'a', 'old');
    await snap('one');
    await object.update('k', 'a', 'new');
    const [pid = 0, ...others] = system.enginePids();
    process.kill(pid, 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    await until(() => {
      const pids = system.enginePids();
      return pids.length > others.length && !pids.includes(pid) ? true : undefined;
    });
    await until(async () => {
      const { ranks } = await control.call('listRanks');
      return ranks.every(({ state }) => state === 'joined') || undefined;
    });
    await using again = await Client.connect({ control: system.url });
    await using samePool = await again.openPool('p');
    await using old = await samePool.openContainer(label, { snapshot: 'one' });
    expect(await read(old.object(FIRST), 'k')).toBe('old');
    expect((await snap('two')).epoch).toMatch(/^\d+$/);
  });

  test('a clone is as its origin was, and knows it', async () => {
    const flat = container.object(SECOND);
    const records = Buffer.alloc(3 * 1_500_000, 7);
    await flat.update('small', 'a', 'old');
    await flat.update('large', 'a', Buffer.alloc(2_000_000, 3));
    await flat.updateArray('array', 'bytes', 1_000, records);
    await flat.updateArray('array', 'bytes', 2n ** 40n, Buffer.from('far'));
    await flat.updateArray('array', 'of3', 5, records, { recordSize: 3 });
    await flat.punchArray('array', 'bytes', [{ index: 2_000, count: 500 }]);
    await object.update('k', 'a', 'v');
    await daos('cont', 'set-attr', 'p', label, 'colour:blue');
    await snap('monday');
    await flat.update('small', 'a', 'new');
    const places = (to: string) => ['--src', `daos://p/${label}`, '--dst', `daos://p/${to}`];
    const clone = (to: string, ...more: string[]) =>
      json<{ objectCount: number; origin: object }>('cont', 'clone', ...places(to), ...more);
    const monday = await clone(`${label}-monday`, '--snap', 'monday');
    expect(monday).toMatchObject({ objectCount: 2, generation: 0 });
    expect(monday.origin).toMatchObject({ containerUuid: container.uuid, generation: 0 });
    await clone(`${label}-now`);
    for (const [name, small] of [['monday', 'old'], ['now', 'new']] as const) {
      await using copy = await pool.openContainer(`${label}-${name}`);
      const of = copy.object(SECOND);
      expect([await read(of, 'small'), await read(copy.object(FIRST), 'k')]).toEqual([small, 'v']);
      const far = Buffer.alloc(3);
      await of.fetchArray('array', 'bytes', 2n ** 40n, far);
      expect(far.toString()).toBe('far');
      const large = Buffer.alloc(2_000_000, 3);
      expect(large.equals((await of.fetch('large', 'a')) ?? large.subarray(1))).toBe(true);
      for (const akey of ['bytes', 'of3']) {
        const recordSize = akey === 'of3' ? 3 : 1;
        // Holes leave it as it is.
        const old = Buffer.alloc(records.byteLength, 9);
        const now = Buffer.from(old);
        await flat.fetchArray('array', akey, 5, old, { recordSize });
        await of.fetchArray('array', akey, 5, now, { recordSize });
        expect([now.includes(9), now.equals(old)]).toEqual([akey === 'bytes', true]);
      }
    }
    expect((await daos('cont', 'query', 'p', `${label}-now`)).output).toMatch(/Cloned from:.*0x/);
    expect((await daos('cont', 'get-attr', 'p', `${label}-now`)).output).toMatch(/colour +blue/);
    expect((await daos('cont', 'list-snap', 'p', label)).output).not.toMatch(/clone-/);
    // It is there already, and stays as it is.
    expect((await daos('cont', 'clone', ...places(`${label}-now`))).status).toBe(7);
    expect((await daos('cont', 'list-snap', 'p', label)).output).not.toMatch(/clone-/);
    await daos('cont', 'rollback', 'p', label, '--snap', 'monday');
    expect(await json('cont', 'query', 'p', label)).toMatchObject({ generation: 1 });
  });
});
