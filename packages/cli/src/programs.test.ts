// Goal:   daos and dmg as people and scripts meet them.
// Method: a real server with a real engine; the command lines run in this process, with streams of
//         their own.

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Cli, CliWorld } from './cli.js';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';
import { QuickstartDirectory, startServer, stopServer } from './quickstart/server-process.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-cli-'));
const home = new QuickstartDirectory(join(scratch, 'home'));
let url = '';

beforeAll(async () => {
  url = (await startServer(home, 0)).url;
});

afterAll(async () => {
  await stopServer(home);
  rmSync(scratch, { recursive: true });
});

interface Ran {
  status: number;
  output: string;
  errors: string;
}

async function run(make: (world: CliWorld) => Cli, parameters: readonly string[]): Promise<Ran> {
  const output: Buffer[] = [];
  let errors = '';
  const cli = make({
    environment: { DAOS_CONTROL: url },
    write: (text) => void output.push(Buffer.from(text)),
    writeError: (text) => void (errors += text),
  });
  const status = await cli.run(parameters);
  return { status, output: Buffer.concat(output).toString('latin1'), errors };
}

const dmg = (...parameters: string[]) => run(makeDmg, parameters);
const daos = (...parameters: string[]) => run(makeDaos, parameters);

async function json(
  ran: Promise<Ran>,
): Promise<{ response: never; error: string; status: number }> {
  return JSON.parse((await ran).output) as never;
}

/** Flips a bit where `pattern` lies in a data area; false where it lies in none. */
function damageData(pattern: string): boolean {
  const entries = readdirSync(scratch, { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of entries.filter(({ name }) => name === 'data')) {
    const path = join(parentPath, name);
    if (statSync(path).isDirectory()) continue;
    const bytes = readFileSync(path);
    const at = bytes.indexOf(pattern);
    if (at < 0) continue;
    const file = openSync(path, 'r+');
    writeSync(file, Uint8Array.of((bytes[at + 1] ?? 0) ^ 4), 0, 1, at + 1);
    closeSync(file);
    return true;
  }
  return false;
}

describe('cli/programs', () => {
  test('a pool and a container come and go, for people', async () => {
    expect(await dmg('pool', 'list')).toMatchObject({ status: 0, output: 'no pools\n' });
    const tank = (await dmg('pool', 'create', 'tank', '--size', '256MiB')).output;
    expect(tank).toMatch(/^created pool tank \([0-9a-f-]{36}\) on ranks 0\nwith /);
    expect(tank).toMatch(/with \S+ MiB for metadata and small values, \S+ MiB for data\n$/);
    const least = await dmg('pool', 'create', 'least', '--size', '1');
    expect(least.output).toMatch(/with \S+ MiB for metadata and small values, 0 B for data\n$/);
    await dmg('pool', 'destroy', 'least');
    await dmg('pool', 'set-attr', 'tank', 'colour:red');
    expect((await dmg('pool', 'list-attr', 'tank', '-V')).output).toMatch(/colour +red/);
    await dmg('pool', 'del-attr', 'tank', 'colour');
    expect((await dmg('pool', 'list')).output).toMatch(/tank .* ready .* 256.0 MiB/);
    expect((await daos('pool', 'query', 'tank', '--show-targets')).output).toMatch(/State: +ready/);
    const checksums = 'cksum:sha256,cksum_size:64KiB,srv_cksum:off';
    await daos('cont', 'create', 'tank', 'box', '--type', 'POSIX', '--properties', checksums);
    expect((await daos('cont', 'get-prop', 'tank', 'box')).output).toMatch(/cksum_size +64\.0 KiB/);
    const weak = await daos('cont', 'create', 'tank', 'sack', '--properties', 'cksum:crc7');
    expect(weak).toMatchObject({ status: EXIT_CODES.usage });
    expect(weak.errors).toMatch(/cksum.*crc32.*sha256/s);
    expect((await daos('container', 'list', 'tank')).output).toMatch(/box .* POSIX/);
    await daos('pool', 'set-attr', 'tank', 'owner:me,kind:test');
    await daos('cont', 'set-attr', 'tank', 'box', 'colour:red');
    expect((await daos('pool', 'get-attr', 'tank', 'kind')).output).toMatch(/kind +test/);
    expect((await daos('cont', 'list-attr', 'tank', 'box')).output).toBe('colour\n');
    expect((await daos('pool', 'del-attr', 'tank', 'none')).status).toBe(EXIT_CODES.notFound);
    expect((await dmg('system', 'query')).output).toMatch(/0 +joined/);
    expect((await dmg('pool', 'destroy', 'tank')).status).toBe(EXIT_CODES.busy);
    expect((await daos('container', 'destroy', 'tank', 'box')).status).toBe(0);
    expect((await dmg('pool', 'destroy', 'tank')).status).toBe(0);
  });

  test('a pool and a container get other labels, each its own alone', async () => {
    for (const label of ['tank', 'vat']) await dmg('pool', 'create', label, '--size', '128MiB');
    for (const label of ['box', 'bag']) await daos('cont', 'create', 'tank', label);
    expect((await dmg('pool', 'set-prop', 'tank', 'label:vat')).status).toBe(EXIT_CODES.exists);
    expect((await dmg('pool', 'set-prop', 'tank', 'label:barrel')).status).toBe(0);
    expect((await daos('pool', 'query', 'tank')).status).toBe(EXIT_CODES.notFound);
    expect((await dmg('pool', 'get-prop', 'barrel')).output).toMatch(/label +barrel/);
    const rename = (label: string) => daos('cont', 'set-prop', 'barrel', 'box', `label:${label}`);
    expect((await rename('bag')).status).toBe(EXIT_CODES.exists);
    expect((await rename('crate')).status).toBe(0);
    expect((await daos('cont', 'query', 'barrel', 'crate')).status).toBe(0);
    const wrong = await dmg('pool', 'set-prop', 'barrel', 'colour:red');
    expect(wrong).toMatchObject({ status: EXIT_CODES.usage });
    for (const label of ['barrel', 'vat']) await dmg('pool', 'destroy', label, '--recursive');
  });

  test('the storage of hosts is scanned, and what pools take of ranks is told', async () => {
    type Usage = { ranks: { storage: { freeBytes: number; totalBytes: number } }[] };
    const free = async () => {
      const { response } = await json(dmg('-j', 'storage', 'query', 'usage'));
      return (response as Usage).ranks[0]?.storage.freeBytes ?? NaN;
    };
    const before = await free();
    await dmg('pool', 'create', 'tank', '--size', '256MiB');
    // Metadata lies there twice, with its log.
    expect(before - (await free())).toBe(358 * 2 ** 20);
    await dmg('pool', 'destroy', 'tank');
    expect(await free()).toBe(before);
    expect((await dmg('storage', 'query', 'usage')).output).toMatch(/Storage free/);
    const scanned = await json(dmg('-j', 'storage', 'scan'));
    expect(scanned.response).toMatchObject({
      hosts: [{ host: hostname(), ranks: [0], scan: { memoryBytes: totalmem() } }],
    });
    expect((await dmg('storage', 'scan')).output).toContain(hostname());
  });

  test('bash completes commands and options', async () => {
    const script = (await daos('completion')).output;
    const complete = (...words: string[]) =>
      execFileSync('bash', [
        '-c',
        `${script}\nCOMP_WORDS=(daos "$@"); COMP_CWORD=$#; _daos; echo "\${COMPREPLY[*]}"`,
        'bash',
        ...words,
      ])
        .toString()
        .trim();
    expect(complete('cont')).toBe('container');
    expect(complete('container', 'get-')).toBe('get-prop get-attr get-acl');
    expect(complete('cont', 'create', '--ty')).toBe('--type');
  });

  test('an engine is stopped, started, excluded and let in again', async () => {
    const state = async () => (await dmg('system', 'query')).output;
    expect((await dmg('system', 'stop')).status).toBe(0);
    expect((await dmg('system', 'stop', '--ranks', '0,9')).errors).toMatch(/rank 9: .*no such/);
    expect(await state()).toMatch(/0 +stopped/);
    expect((await dmg('system', 'start', '--ranks', '0')).status).toBe(0);
    expect(await state()).toMatch(/0 +joined/);
    await dmg('system', 'exclude', '--ranks', '0');
    expect(await state()).toMatch(/0 +excluded/);
    expect((await dmg('pool', 'create', 'p', '-z', '1GB')).status).toBe(EXIT_CODES.unreachable);
    await dmg('system', 'clear-exclude', '--ranks', '0');
    const deadline = performance.now() + 120_000;
    while (!/0 +joined/.test(await state())) expect(performance.now()).toBeLessThan(deadline);
  });

  test('programs get one object, whether it went well or not', async () => {
    await dmg('pool', 'create', 'tank', '--size', '256MiB');
    expect(await json(daos('--json', 'pool', 'list'))).toMatchObject({
      response: { pools: [{ label: 'tank', state: 'ready' }] },
      error: null,
      status: 0,
    });
    expect(await json(daos('-j', 'pool', 'query', 'none'))).toMatchObject({
      response: null,
      error: expect.stringContaining("no pool 'none'"),
      status: -1005,
    });
    await dmg('pool', 'destroy', 'tank');
  });

  test('a value of any bytes goes in and comes out, by file', async () => {
    await dmg('pool', 'create', 'tank', '--size', '256MiB');
    await daos('container', 'create', 'tank', 'box');
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 0xff));
    const from = join(scratch, 'from');
    const to = join(scratch, 'to');
    writeFileSync(from, bytes);
    const put = daos('-j', 'object', 'put', 'tank', 'box', 'new', 'key', from);
    const { oid } = (await json(put)).response as { oid: string };
    await daos('object', 'get', 'tank', 'box', oid, 'key', to);
    expect(readFileSync(to).equals(bytes)).toBe(true);
    const raw = await daos('object', 'get', 'tank', 'box', oid, 'key');
    expect(Buffer.from(raw.output, 'latin1').equals(bytes)).toBe(true);
    await daos('object', 'put', 'tank', 'box', 'new', 'a', from, '--oclass', 'SX');
    const listed = await json(daos('-j', 'object', 'list', 'tank', 'box'));
    const oids = (listed.response as { objects: { oid: string }[] }).objects.map((o) => o.oid);
    expect(oids).toHaveLength(2);
    expect(new Set(oids).size).toBe(2);
    expect(oids).toContain(oid);
    expect((await daos('object', 'list-keys', 'tank', 'box', oid)).output).toBe('key\n');
    expect((await daos('object', 'query', 'tank', 'box', oid)).output).toMatch(/S1/);
    await daos('object', 'punch', 'tank', 'box', oid);
    expect((await daos('object', 'get', 'tank', 'box', oid, 'key')).status).toBe(
      EXIT_CODES.notFound,
    );
    await dmg('pool', 'destroy', 'tank', '--recursive');
  });

  test('a check names the values that are damaged, and reads on', async () => {
    await dmg('pool', 'create', 'tank', '--size', '256MiB');
    await daos('container', 'create', 'tank', 'box');
    const from = join(scratch, 'checked');
    const put = async (text: string, oid: string) => {
      writeFileSync(from, text.repeat(70_000 / text.length));
      const ran = daos('-j', 'object', 'put', 'tank', 'box', oid, text, from);
      return ((await json(ran)).response as { oid: string }).oid;
    };
    const oid = await put('whole', 'new');
    await put('rotten', oid);
    const check = ['container', 'check', 'tank', 'box'];
    const counts = { objectCount: 1, valueCount: 2, bytes: 139_996, damages: [] };
    expect((await json(daos('-j', ...check))).response).toEqual(counts);
    expect(damageData('rottenrotten')).toBe(true);
    const found = await daos(...check);
    expect(found.status).toBe(EXIT_CODES.failed);
    expect(found.errors).toMatch(/DER_CSUM: 1 values can't be read: \S+ rotten value: /);
    const dumped = await daos('object', 'dump', 'tank', 'box', oid);
    expect(dumped.output).toMatch(/^whole +value +single +68\.4 KiB$/m);
    expect(dumped.output).toMatch(/^rotten +value +single +the data that came back/m);
    await dmg('pool', 'destroy', 'tank', '--recursive');
  });

  test('a configuration for Prometheus is written once, and reads the system', async () => {
    const config = ['telemetry', 'config', '--install-dir', scratch];
    const file = join(scratch, 'prometheus.yml');
    expect((await json(dmg('-j', ...config))).response).toMatchObject({ file });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`targets: ['${new URL(url).host}']`);
    const path = /metrics_path: (\S+)/.exec(text)?.[1] ?? '';
    expect(await (await fetch(new URL(path, url))).text()).toMatch(/^daos_rank_joined\{/m);
    expect((await dmg(...config)).status).toBe(EXIT_CODES.exists);
    expect((await dmg(...config, '--force')).status).toBe(EXIT_CODES.done);
  });

  test('health, versions and attributes of the system are told to programs as well', async () => {
    const health = (await json(daos('-j', 'health', 'check'))).response;
    expect(health).toMatchObject({ leader: url, pools: [], problems: [] });
    expect((await daos('health', 'check', 'none')).status).toBe(EXIT_CODES.notFound);
    const { version } = (await json(daos('-j', 'server-version'))).response as { version: string };
    const servers = (await json(dmg('-j', 'server-version'))).response;
    expect(servers).toMatchObject({ hosts: [{ host: hostname(), ranks: [0], version }] });
    await dmg('system', 'set-attr', 'site:north');
    expect((await json(dmg('-j', 'system', 'get-attr'))).response).toEqual({ site: 'north' });
    expect((await dmg('system', 'del-attr', 'colour')).status).toBe(EXIT_CODES.notFound);
    await dmg('system', 'del-attr', 'site');
    expect((await dmg('system', 'list-attr')).output).toBe('no attributes\n');
    expect((await dmg('network', 'scan', '-p', 'smoke')).errors).toMatch(/tcp, verbs, shm, or all/);
  });

  test.each([
    ['an unknown pool', ['pool', 'query', 'none'], EXIT_CODES.notFound, /dmg pool list/],
    ['a size without sense', ['pool', 'create', 'p', '-z', '3 apples'], EXIT_CODES.usage, /10GB/],
    ['a pool of no size', ['pool', 'create', 'p', '-z', '0'], EXIT_CODES.usage, /no size/],
    ['too large a pool', ['pool', 'create', 'p', '-z', '900TB'], EXIT_CODES.noSpace, /are free/],
    ['a bad label', ['pool', 'create', '../p', '-z', '1GB'], EXIT_CODES.usage, /label/],
    ['an unknown option', ['pool', 'list', '--colour'], EXIT_CODES.usage, /--colour/],
    [
      'no service',
      ['--control', 'http://127.0.0.1:9', 'pool', 'list'],
      EXIT_CODES.unreachable,
      /start/,
    ],
  ])('%s has an exit code of its own and says what to do', async (_name, line, status, message) => {
    const ran = await dmg(...line);
    expect(ran.status).toBe(status);
    expect(ran.errors).toMatch(message);
    expect(ran.output).toBe('');
  });
});
