// Goal:   each right of pools and containers lets through what it is for, alone; all the others
//         together don't; who has none is told the same as of what is not there.
// Method: a real server, engine and agent; `daos` as a program of another user of this host. Of
//         each thing there are three: one with the right alone, one with all rights but those that
//         allow it, one without any.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import type { ControlClient } from '@daos/control/client';
import { formatObjectId, makeObjectId, parseObjectId } from '@daos/model';
import { EXIT_CODES } from './exit-codes.js';
import { TestSystem } from './system-fixture.js';

const DAOS = join(import.meta.dirname, '../dist/daos-main.js');
/** nobody and nogroup, daemon, bin: as every host has them. */
const OTHER = ['--reuid', '65534', '--regid', '65534'];
const OWNER = 'alice@';
const MIB = 2 ** 20;
const OID = formatObjectId(
  makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }),
);

/** What `daos` is typed with; of a container `name` is `tank LABEL`. */
type Command = (name: string) => string;

interface Row {
  /** That it takes; the first is what the row is about. */
  readonly rights: string;
  /** With which it is refused: all but those that allow it. */
  readonly others: string;
  readonly command: Command;
}

// Of a pool `t` is what shows it: without it nothing else is looked at. `r` is `t`; `w` is `c` and
// `d`.
const POOL: readonly Row[] = [
  { rights: 't', others: 'cd', command: (pool) => `pool query ${pool}` },
  { rights: 't', others: 'w', command: (pool) => `pool get-prop ${pool}` },
  { rights: 'r', others: 'w', command: (pool) => `container list ${pool}` },
  { rights: 'r', others: 'w', command: (pool) => `pool list-attr ${pool}` },
  { rights: 'ct', others: 'dt', command: (pool) => `container create ${pool} made` },
  { rights: 'dt', others: 'ct', command: (pool) => `container destroy ${pool} doomed` },
  { rights: 'dt', others: 'ct', command: (pool) => `container evict ${pool} kept` },
  { rights: 'wr', others: 'r', command: (pool) => `pool set-attr ${pool} a:b` },
  { rights: 'wr', others: 'ct', command: (pool) => `pool set-attr ${pool} a:b` },
];

const CONTAINER: readonly Row[] = [
  { rights: 'r', others: 'wdtTaAo', command: (name) => `object get ${name} ${OID} key` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `object list ${name}` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `object list-keys ${name} ${OID}` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `object dump ${name} ${OID}` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `container check ${name}` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `container get-attr ${name}` },
  { rights: 'r', others: 'wdtTaAo', command: (name) => `container list-snap ${name}` },
  { rights: 'w', others: 'rdtTaAo', command: (name) => `object put ${name} ${OID} other ${DAOS}` },
  { rights: 'w', others: 'rdtTaAo', command: (name) => `object punch ${name} ${OID} key` },
  { rights: 'w', others: 'rdtTaAo', command: (name) => `container set-attr ${name} a:b` },
  { rights: 'w', others: 'rdtTaAo', command: (name) => `container create-snap ${name}` },
  { rights: 'd', others: 'rwtTaAo', command: (name) => `container evict ${name}` },
  { rights: 'd', others: 'rwtTaAo', command: (name) => `container destroy ${name}` },
  // What opens a container for reading tells its properties too.
  { rights: 't', others: 'wdTaAo', command: (name) => `container query ${name}` },
  { rights: 't', others: 'wdTaAo', command: (name) => `container get-prop ${name}` },
  { rights: 'T', others: 'rwdtaAo', command: (name) => `container set-prop ${name} label:renamed` },
  { rights: 'a', others: 'rwdtTAo', command: (name) => `container get-acl ${name}` },
  { rights: 'A', others: 'rwdtTao', command: (name) => `container update-acl ${name} -e A::z@:r` },
  { rights: 'A', others: 'rwdtTao', command: (name) => `container delete-acl ${name} -P nobody@` },
  { rights: 'o', others: 'rwdtTaA', command: (name) => `container set-owner ${name} -u zed` },
  { rights: 'o', others: 'rwdtTaA', command: (name) => `container set-owner ${name} -g zeds` },
];

let system: TestSystem;
let admin: ControlClient;
let client: Client;

beforeAll(async () => {
  // Only the superuser can start a program as somebody else.
  expect(userInfo().uid).toBe(0);
  system = await TestSystem.start({ isSecure: true });
  // The agent's socket lies in it.
  chmodSync(system.directory, 0o755);
  admin = system.admin();
  client = await Client.connect({ control: admin });
  for (const label of ['tank', 'exact', 'others', 'none']) {
    await admin.call('createPool', { body: { label, size: 64 * MIB, owner: OWNER, acl: [] } });
  }
  await setPoolAcl('tank', ['A::EVERYONE@:t']);
});

afterAll(async () => {
  await client?.close();
  await system?.stop();
});

interface Ran {
  readonly status: number;
  readonly said: string;
}

/** As another user of this host, in these groups besides their own. */
async function daosInGroups(groups: string, command: string): Promise<Ran> {
  const membership = groups === '' ? ['--clear-groups'] : ['--groups', groups];
  const program = [...OTHER, ...membership, process.execPath, DAOS, ...command.split(' ')];
  const child = spawn('setpriv', program, {
    env: { ...process.env, DAOS_CONTROL: system.clientControl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const [status] = (await once(child, 'close')) as [number];
  return { status, said };
}

const daos = (command: string) => daosInGroups('', command);

const setPoolAcl = (pool: string, replace: string[]) =>
  admin.call('changePoolAcl', { params: { pool }, body: { replace } });

async function makeContainer(pool: string, label: string, acl: string[]): Promise<void> {
  await admin.call('destroyContainer', { params: { pool, container: label } }).catch(() => {});
  const { uuid } = await admin.call('createContainer', {
    params: { pool },
    body: { label, acl, owner: OWNER, attributes: { colour: 'red' } },
  });
  await using opened = await client.openPool(pool);
  await using container = await opened.openContainer(uuid);
  await container.object(parseObjectId(OID)).update('key', 'value', 'secret');
}

/** Runs it on all four; what it says of the one without rights is what it says of none at all. */
async function checkRow({ command }: Row, nameOf: (which: string) => string): Promise<void> {
  const named = (which: string) => daos(command(nameOf(which)));
  const ran = ['exact', 'others', 'none', 'absent'].map(named);
  const [exact, others, none, absent] = (await Promise.all(ran)) as [Ran, Ran, Ran, Ran];
  expect(exact).toMatchObject({ status: EXIT_CODES.done });
  for (const { status, said } of [others, none]) {
    expect({ status, said }).toMatchObject({ status: EXIT_CODES.denied });
    expect(said).toContain('DER_NO_PERM');
    expect(said).not.toMatch(/secret|colour|alice/);
  }
  expect(none.said.replaceAll('none', 'absent')).toBe(absent.said);
  // No UUID is told to who may not know it.
  expect(others.said + none.said).not.toMatch(/[\da-f]{8}-[\da-f]{4}/);
}

const entry = (rights: string) => [`A::nobody@:${rights}`];
const titled = (rows: readonly Row[]) =>
  rows.map((row) => [row.rights, row.command('NAME'), row] as const);

describe('cli/acl-matrix: of a pool', () => {
  test.each(titled(POOL))('%s: %s', async (_rights, _command, row) => {
    for (const pool of ['exact', 'others', 'none']) {
      for (const label of ['doomed', 'kept']) await makeContainer(pool, label, []);
      const params = { pool, container: 'made' };
      await admin.call('destroyContainer', { params }).catch(() => {});
    }
    await setPoolAcl('exact', entry(row.rights));
    await setPoolAcl('others', entry(row.others));
    await checkRow(row, (which) => which);
  });

  test.each([...'TaAo'])('%s is refused in its list: containers have it', async (right) => {
    const parameters = ['pool', 'update-acl', 'none', '-e', `A::nobody@:r${right}`];
    const { makeDmg } = await import('./dmg.js');
    const { status, errors } = await system.run(makeDmg, parameters);
    expect(status).toBe(EXIT_CODES.usage);
    expect(errors).toContain(`a pool has the rights rwcdt, not '${right}'`);
    expect(await admin.call('getPoolAcl', { params: { pool: 'none' } })).toMatchObject({ acl: [] });
  });

  test('the list, the owner and what else is an administrator’s is refused to all', async () => {
    await setPoolAcl('exact', ['A::EVERYONE@:rwcdt', 'A::nobody@:rwcdt']);
    const dmg = join(import.meta.dirname, '../dist/dmg-main.js');
    const commands = [
      'pool get-acl exact',
      'pool update-acl exact -e A::zed@:r',
      'pool set-owner exact -u nobody',
      'pool set-prop exact reclaim:lazy',
      'pool evict exact',
      'pool destroy exact --recursive',
    ];
    for (const command of commands) {
      const parameters = [dmg, '--control', system.clientControl, ...command.split(' ')];
      const child = spawn('setpriv', [...OTHER, '--clear-groups', process.execPath, ...parameters]);
      const [status] = (await once(child, 'close')) as [number];
      expect([command, status]).toEqual([command, EXIT_CODES.denied]);
    }
  });
});

describe('cli/acl-matrix: of a container', () => {
  test.each(titled(CONTAINER))('%s: %s', async (_rights, _command, row) => {
    await admin
      .call('destroyContainer', { params: { pool: 'tank', container: 'renamed' } })
      .catch(() => {});
    await makeContainer('tank', 'exact', entry(row.rights));
    await makeContainer('tank', 'others', entry(row.others));
    await makeContainer('tank', 'none', []);
    await checkRow(row, (which) => `tank ${which}`);
  });

  test('who may write alone does not read by the same handle, by the engine’s word', async () => {
    await makeContainer('tank', 'exact', ['A::EVERYONE@:w']);
    await using writer = await Client.connect({ control: system.clientControl });
    await using pool = await writer.openPool('tank');
    await using container = await pool.openContainer('exact');
    const object = container.object(parseObjectId(OID));
    await object.update('key', 'value', 'written');
    const reads = [
      () => object.fetch('key', 'value'),
      () => object.dkeys()[Symbol.asyncIterator]().next(),
      () => container.objects()[Symbol.asyncIterator]().next(),
    ];
    for (const read of reads) await expect(read()).rejects.toMatchObject({ code: 'DER_NO_PERM' });
    const reading = pool.openContainer('exact', { readOnly: true });
    await expect(reading).rejects.toMatchObject({ code: 'DER_NO_PERM' });
  });
});

// By the kernel's word of who the user is, and of their groups.
describe('cli/acl-matrix: of entries', () => {
  const GET = 'container get-attr tank exact';
  const SET = 'container set-attr tank exact a:b';
  test.each([
    ['of two groups in union: r', ['A:G:daemon@:r', 'A:G:bin@:w'], '1,2', GET, 'done'],
    ['of two groups in union: w', ['A:G:daemon@:r', 'A:G:bin@:w'], '1,2', SET, 'done'],
    ['of one of the two', ['A:G:daemon@:r', 'A:G:bin@:w'], '1', SET, 'denied'],
    ['the primary group', ['A:G:nogroup@:r'], '', GET, 'done'],
    ['GROUP@, of the owner’s group', ['A:G:GROUP@:r'], '2', GET, 'done'],
    ['GROUP@, of others', ['A:G:GROUP@:r'], '1', GET, 'denied'],
    ['OWNER@ is the owner alone', ['A::OWNER@:r'], '1,2', GET, 'denied'],
    ['EVERYONE@ is the rest', ['A::OWNER@:rw', 'A::EVERYONE@:r'], '', GET, 'done'],
    ['EVERYONE@ adds nothing to a group', ['A:G:daemon@:w', 'A::EVERYONE@:r'], '1', GET, 'denied'],
    ['a user’s entry is all they get', ['A::nobody@:', 'A:G:daemon@:r'], '1', GET, 'denied'],
  ] as const)('%s', async (_name, acl, groups, command, outcome) => {
    await makeContainer('tank', 'exact', [...acl]);
    const params = { pool: 'tank', container: 'exact' };
    await admin.call('changeContainerAcl', { params, body: { ownerGroup: 'bin@' } });
    const { status } = await daosInGroups(groups, command);
    expect(status).toBe(EXIT_CODES[outcome]);
  });

  test('the owner mends a list that shuts them out', async () => {
    await makeContainer('tank', 'exact', ['A::OWNER@:']);
    const params = { pool: 'tank', container: 'exact' };
    await admin.call('changeContainerAcl', { params, body: { owner: 'nobody@' } });
    expect(await daos(GET)).toMatchObject({ status: EXIT_CODES.denied });
    const mend = 'container update-acl tank exact -e A::OWNER@:r';
    expect(await daos(mend)).toMatchObject({ status: EXIT_CODES.done });
    expect(await daos(GET)).toMatchObject({ status: EXIT_CODES.done });
  });
});
