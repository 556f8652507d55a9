// Goal:   security from end to end: users by the kernel's word, capabilities by the engines'.
// Method: a real server with certificates and an engine, a real agent; the command lines, and
//         clients that show what they should not.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import { ControlClient, signCredential } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import {
  formatObjectId,
  makeObjectId,
  parseObjectClass,
  parseObjectId,
  type PoolDirectory,
} from '@daos/model';
import { readRun } from '@daos/server/data-directory';
import type { Cli, CliWorld } from './cli.js';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';

const PACKAGES = join(import.meta.dirname, '../..');
const SERVER = join(PACKAGES, 'server/dist/daos-server.js');
const AGENT = join(PACKAGES, 'agent/dist/daos-agent.js');
const DAOS = join(PACKAGES, 'cli/dist/daos-main.js');
/** Another user of this host than the one who runs the test. */
const OTHER_UID = 65_534;
const OID = formatObjectId(
  makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: parseObjectClass('S1') }),
);
const scratch = mkdtempSync(join(tmpdir(), 'daos-security-'));
const certs = join(scratch, 'certs');
const data = join(scratch, 'data');
const socket = join(scratch, 'agent.sock');
const me = `${userInfo().username}@`;

const processes: ChildProcess[] = [];
let url = '';
let admin: ControlClient;

function start(program: string, ...parameters: string[]): void {
  const child = spawn(process.execPath, [program, ...parameters], { stdio: 'ignore' });
  processes.push(child);
}

async function until<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${find.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Ran {
  status: number;
  output: string;
}

/** A command line in this process: as the user who runs the test, through the agent. */
async function run(make: (world: CliWorld) => Cli, parameters: string[]): Promise<Ran> {
  let output = '';
  const write = (text: string | Uint8Array) => void (output += Buffer.from(text).toString());
  const environment = { DAOS_CONTROL: `unix:${socket}` };
  const status = await make({ environment, write, writeError: write }).run(parameters);
  return { status, output };
}

const daos = (...parameters: string[]) => run(makeDaos, parameters);
const dmg = (...parameters: string[]) =>
  run(makeDmg, ['--control', url, '--certs', certs, ...parameters]);

/** A program of its own, as another user of this host types it. */
async function asOther(...parameters: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [DAOS, ...parameters], {
    env: { ...process.env, DAOS_CONTROL: `unix:${socket}` },
    ...{ uid: OTHER_UID, gid: OTHER_UID },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const [status] = (await once(child, 'close')) as [number];
  return { status, output };
}

const outcomeOf = async (action: Promise<unknown>) =>
  await action.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

/** A directory that hands out what `change` makes of a capability. */
function changing(change: (capability: Buffer) => Buffer): PoolDirectory {
  return {
    getPool: (pool) => admin.getPool(pool),
    getContainer: (pool, container) => admin.getContainer(pool, container),
    openContainer: async (pool, container, options) => {
      const opened = await admin.openContainer(pool, container, options);
      const capability = change(Buffer.from(opened.capability, 'base64')).toString('base64');
      return { ...opened, capability };
    },
  };
}

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  execFileSync(process.execPath, [SERVER, 'cert', 'generate', '-d', certs]);
  const config = join(scratch, 'server.yml');
  writeFileSync(
    config,
    `data_directory: ${data}
control: { port: 0, certificates: ${certs} }
engines:
  - storage: { capacity: 1GiB, memory: 512MiB }
`,
  );
  start(SERVER, 'start', '-c', config);
  url = (await until(() => readRun(data))).url;
  start(AGENT, 'start', '--control', url, '--certs', certs, '--socket', socket);
  admin = new ControlClient({ url, certificates: readCertificates(certs, 'admin') });
  await until(async () => ((await daos('pool', 'list')).status === 0 ? true : undefined));
  await dmg('pool', 'create', 'tank', '--size', '256MiB', '--user', 'alice');
  await dmg('pool', 'update-acl', 'tank', '--entry', `A::${me}:rw`);
  const other = { label: 'other', owner: 'alice@', acl: ['A::OWNER@:rw'] };
  await admin.call('createContainer', { params: { pool: 'tank' }, body: other });
});

afterAll(async () => {
  for (const child of processes) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(scratch, { recursive: true });
});

describe('cli/security', () => {
  test('a user works through the agent without certificates, and owns what they make', async () => {
    expect((await daos('container', 'create', 'tank', 'box')).status).toBe(0);
    const file = join(scratch, 'value');
    writeFileSync(file, 'hello');
    expect((await daos('object', 'put', 'tank', 'box', OID, 'key', file)).status).toBe(0);
    expect((await daos('object', 'get', 'tank', 'box', OID, 'key')).output).toBe('hello');
    expect((await daos('container', 'get-acl', 'tank', 'box')).output).toContain(`Owner: ${me}`);
    expect((await daos('container', 'list', 'tank')).output).not.toContain('other');
  });

  test('another user of the host is another user, whatever they say', async () => {
    // Only the superuser can start a program as somebody else; no other test here needs that.
    expect(userInfo().uid).toBe(0);
    expect((await asOther('pool', 'list')).output).toBe('no pools\n');
    const refused = await asOther('object', 'get', 'tank', 'box', OID, 'key');
    expect(refused.output).toContain('DER_NO_PERM');
    expect(refused.status).toBe(5);
    await dmg('pool', 'update-acl', 'tank', '-e', 'A::EVERYONE@:t');
    await daos('container', 'update-acl', 'tank', 'box', '-e', 'A::EVERYONE@:r');
    const read = await asOther('container', 'query', 'tank', 'box');
    expect(read.status).toBe(0);
    const file = join(scratch, 'value');
    const write = await asOther('object', 'put', 'tank', 'box', OID, 'key', file);
    expect(write.output).toMatch(/nobody@ lacks the right 'w'/);
    await daos('container', 'delete-acl', 'tank', 'box', '-P', 'EVERYONE@');
    expect((await asOther('container', 'query', 'tank', 'box')).status).toBe(5);
  });

  test('an agent passes on no credential that a program shows', async () => {
    const nowMs = Date.now();
    const claims = {
      ...{ version: 1 as const, flavor: 'AUTH_SYS' as const, uid: 1, gid: 1, user: 'alice@' },
      ...{ groups: [], host: hostname(), issuedMs: nowMs, expiresMs: nowMs + 60_000 },
    };
    // As one that was seen on its way.
    const credential = signCredential(claims, readCertificates(certs, 'agent'));
    const certificates = readCertificates(certs, 'client');
    const alice = new ControlClient({ url, certificates, credential });
    expect((await alice.getContainer('tank', 'other')).label).toBe('other');
    const thief = new ControlClient({ url: `unix:${socket}`, credential });
    expect(await outcomeOf(thief.getContainer('tank', 'other'))).toBe('DER_NO_PERM');
  });

  test('engines refuse what is forged, altered, of another container, or missing', async () => {
    const other = await admin.openContainer('tank', 'other', { readOnly: false });
    const weak = await admin.openContainer('tank', 'box', { readOnly: true });
    const shown: Record<string, (capability: Buffer) => Buffer> = {
      'none at all': () => Buffer.alloc(0),
      garbage: () => Buffer.alloc(96, 7),
      'more rights': () => {
        const forged = Buffer.from(weak.capability, 'base64');
        forged.writeUInt32LE(3, 32);
        return forged;
      },
      'a longer life': (real) => {
        real.writeBigUInt64LE(real.readBigUInt64LE(40) + 1n, 40);
        return real;
      },
      'another container': () => Buffer.from(other.capability, 'base64'),
      'reading alone': () => Buffer.from(weak.capability, 'base64'),
    };
    for (const [what, change] of Object.entries(shown)) {
      await using client = await Client.connect({ control: changing(change) });
      await using pool = await client.openPool('tank');
      const outcome = await pool.openContainer('box').then(
        () => 'opened',
        (error: { code: string }) => error.code,
      );
      expect([what, outcome]).toEqual([what, 'DER_NO_PERM']);
    }
    await using client = await Client.connect({ control: changing((real) => real) });
    await using pool = await client.openPool('tank');
    await (await pool.openContainer('box')).close();
  });

  test('an evicted handle is gone within a second, and so is what opened it', async () => {
    await using client = await Client.connect({ control: `unix:${socket}` });
    await using pool = await client.openPool('tank');
    await using container = await pool.openContainer('box');
    const object = container.object(parseObjectId(OID));
    // What a busy machine makes of a call to each is no fault of the eviction.
    const beforeMs = performance.now();
    const old = await admin.openContainer('tank', 'box', { readOnly: false });
    await object.update('key', 'akey', new Uint8Array([1]));
    const startedMs = performance.now();
    const limitMs = 1000 + 20 * (startedMs - beforeMs);
    await admin.call('evictPool', { params: { pool: 'tank' } });
    expect(await outcomeOf(object.update('key', 'akey', new Uint8Array([2])))).toBe('DER_EVICTED');
    expect(performance.now() - startedMs).toBeLessThan(limitMs);
    expect(await outcomeOf(object.fetch('key', 'akey'))).toBe('DER_EVICTED');
    const replay = changing(() => Buffer.from(old.capability, 'base64'));
    await using replaying = await Client.connect({ control: replay });
    await using samePool = await replaying.openPool('tank');
    expect(await outcomeOf(samePool.openContainer('box'))).toBe('DER_EVICTED');
    await using again = await pool.openContainer('box');
    expect(await again.object(parseObjectId(OID)).fetch('key', 'akey')).toEqual(
      new Uint8Array([1]),
    );
  });

  test('of an evicted container, or machine, every handle is gone; others stay', async () => {
    await daos('container', 'create', 'tank', 'beside');
    const certificates = readCertificates(certs, 'admin');
    const openOn = async (machine: string, label: string) => {
      const client = await Client.connect({
        control: new ControlClient({ url, certificates, machine }),
      });
      const container = await (await client.openPool('tank')).openContainer(label);
      const object = container.object(parseObjectId(OID));
      return { client, use: () => outcomeOf(object.update('key', 'akey', new Uint8Array([3]))) };
    };
    const box = await openOn('node1', 'box');
    const beside = await openOn('node1', 'beside');
    const elsewhere = await openOn('node2', 'beside');
    const uses = () => Promise.all([box.use(), beside.use(), elsewhere.use()]);
    expect(await uses()).toEqual(['done', 'done', 'done']);
    const old = await admin.openContainer('tank', 'box', { readOnly: false });

    const evicted = await daos('container', 'evict', 'tank', 'box');
    expect(evicted).toEqual({ status: 0, output: 'evicted all handles of container box\n' });
    expect(await uses()).toEqual(['DER_EVICTED', 'done', 'done']);
    const replay = changing(() => Buffer.from(old.capability, 'base64'));
    await using replaying = await Client.connect({ control: replay });
    await using pool = await replaying.openPool('tank');
    expect(await outcomeOf(pool.openContainer('box'))).toBe('DER_EVICTED');

    const cleaned = await dmg('system', 'cleanup', 'node1', '--verbose');
    const output = 'tank\nwhat node1 had open in 1 pools is closed\n';
    expect(cleaned).toEqual({ status: 0, output });
    expect(await uses()).toEqual(['DER_EVICTED', 'DER_EVICTED', 'done']);
    const again = await openOn('node1', 'beside');
    expect(await again.use()).toBe('done');
    for (const { client } of [box, beside, elsewhere, again]) await client.close();
  });

  test('an agent has the last word on which machine something was opened', async () => {
    const liar = new ControlClient({ url: `unix:${socket}`, machine: 'elsewhere' });
    await using client = await Client.connect({ control: liar });
    await using pool = await client.openPool('tank');
    await using container = await pool.openContainer('beside');
    const object = container.object(parseObjectId(OID));
    const use = () => outcomeOf(object.update('key', 'akey', new Uint8Array([4])));
    await dmg('system', 'cleanup', 'elsewhere');
    expect(await use()).toBe('done');
    await dmg('system', 'cleanup', hostname());
    expect(await use()).toBe('DER_EVICTED');
  });

  test('who may not delete a container does not evict it, and users clean up nothing', async () => {
    const other = await asOther('container', 'evict', 'tank', 'box');
    expect(other.output).toContain('DER_NO_PERM');
    const user = new ControlClient({ url: `unix:${socket}` });
    const cleanUp = user.call('cleanUpMachine', { body: { machine: hostname() } });
    await expect(cleanUp).rejects.toMatchObject({ code: 'DER_NO_PERM' });
  });

  test('a restarted engine still asks for a capability', async () => {
    const { engines } = readRun(data) ?? { engines: [] };
    const pid = engines[0]?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => {
      const next = readRun(data)?.engines[0]?.pid;
      return next !== undefined && next !== pid ? next : undefined;
    });
    await using client = await Client.connect({ control: changing(() => Buffer.alloc(0)) });
    await using pool = await client.openPool('tank');
    await expect(pool.openContainer('box')).rejects.toMatchObject({ code: 'DER_NO_PERM' });
    expect((await daos('object', 'list', 'tank', 'box')).status).toBe(0);
  });
});
