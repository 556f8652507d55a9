// Goal:   the program as an administrator meets it: it starts, survives what it must, and says what
//         is wrong.
// Method: real processes of dist/daos-server.js with real engines, each with a data directory of
//         its own.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { readRun, type RunDescription } from './data/data-directory.js';

const PROGRAM = join(import.meta.dirname, '../dist/daos-server.js');
const scratch = mkdtempSync(join(tmpdir(), 'daos-server-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const MIB = 2 ** 20;
const running = new Set<ChildProcess>();
let directoryCount = 0;

afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

const newDirectory = () => join(scratch, String(directoryCount++));

interface Ended {
  status: number | null;
  errors: string;
}

function configOf(directory: string, port = 0): string {
  return `data_directory: ${directory}
control:
  port: ${port}
  insecure: true
engines:
  - targets: 2
    storage:
      capacity: 1GiB
      memory: 512MiB
`;
}

function launch(config: string): { child: ChildProcess; ended: Promise<Ended> } {
  const file = join(scratch, `${directoryCount++}.yml`);
  writeFileSync(file, config);
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', file]);
  running.add(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => {
      running.delete(child);
      resolve({ status, errors });
    });
  });
  return { child, ended };
}

async function until<T>(find: () => T | undefined | false): Promise<T> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const found = find();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${find.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A server that serves on `directory`. */
async function start(directory: string) {
  const { child, ended } = launch(configOf(directory));
  const find = () => {
    const run = readRun(directory);
    return run?.pid === child.pid && run;
  };
  const failed = ended.then(({ errors }) => Promise.reject(new Error(errors)));
  const run: RunDescription = await Promise.race([until(find), failed]);
  failed.catch(() => {});
  const control = new ControlClient({ url: run.url });
  return { child, ended, control, run };
}

/** What the files of all pools take on disk. */
function bytesOfPools(directory: string): number {
  const pools = join(directory, 'engine0/pools');
  return readdirSync(pools, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(pools, name)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const enginePid = (directory: string) => readRun(directory)?.engines[0]?.pid;

const createPool = (control: ControlClient, label: string, size = 128 * MIB) =>
  control.call('createPool', { body: { label, size } });

describe('server/daos-server', () => {
  test('pools and containers outlive a stop', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    const pool = await createPool(first.control, 'p');
    await first.control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    first.child.kill('SIGTERM');
    expect((await first.ended).status).toBe(0);
    const second = await start(directory);
    const found = await second.control.getPool('p');
    expect(found.uuid).toBe(pool.uuid);
    expect(found.map.ranks[0]).toMatchObject({ state: 'joined', incarnation: 2 });
    const status = await second.control.call('queryPool', { params: { pool: 'p' } });
    expect(status).toMatchObject({ containerCount: 1, unreachableRanks: [] });
    expect(status.targets).toHaveLength(2);
  });

  test('what is generated for this machine starts on it, and tells of the machine', async () => {
    const directory = newDirectory();
    const generate = ['config', 'generate', '-d', directory, '-p', '0'];
    const config = execFileSync(process.execPath, [PROGRAM, ...generate]).toString();
    expect(config).toContain(`# ${availableParallelism()} cores in`);
    const { child, ended } = launch(config);
    const failed = ended.then(({ errors }) => Promise.reject(new Error(errors)));
    const run = await Promise.race([until(() => readRun(directory)), failed]);
    failed.catch(() => {});
    const { ranks } = await new ControlClient({ url: run.url }).call('listRanks');
    expect(ranks.every(({ state }) => state === 'joined')).toBe(true);
    child.kill('SIGTERM');
    expect((await ended).status).toBe(0);
  });

  test('a killed engine is started again and its pools are open', async () => {
    const directory = newDirectory();
    const { control } = await start(directory);
    await createPool(control, 'p');
    const killed = enginePid(directory) ?? 0;
    process.kill(killed, 'SIGKILL');
    await until(() => (enginePid(directory) ?? killed) !== killed);
    const status = await control.call('queryPool', { params: { pool: 'p' } });
    expect(status.unreachableRanks).toEqual([]);
    expect((await control.getPool('p')).map.ranks[0]?.incarnation).toBe(2);
  });

  test('the engine of a killed server ends, and the next server takes over', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    await createPool(first.control, 'p');
    const engine = enginePid(directory) ?? 0;
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await start(directory);
    await until(() => !isAlive(engine));
    const status = await second.control.call('queryPool', { params: { pool: 'p' } });
    expect(status.unreachableRanks).toEqual([]);
  });

  test('a data directory in use is refused, and the server that has it goes on', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    const { status, errors } = await launch(configOf(directory)).ended;
    expect(status).toBe(1);
    expect(errors).toContain(`DER_BUSY: data directory ${directory} is in use by process`);
    expect((await first.control.call('listPools')).pools).toEqual([]);
  });

  test('a taken port, a misspelt key and a foreign format are named', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const unstarted = newDirectory();
    const taken = await launch(configOf(unstarted, port)).ended;
    const engineConfig = configOf(newDirectory()).replace('targets: 2', `port: ${port}`);
    const engineTaken = await launch(engineConfig).ended;
    other.close();
    expect(engineTaken).toMatchObject({
      status: 1,
      errors: expect.stringMatching(`DER_BUSY.*127.0.0.1:${port}`),
    });
    expect(taken).toMatchObject({
      status: 1,
      errors: expect.stringMatching(`DER_BUSY: port ${port} .*\n.*what to do: stop the program`),
    });
    const uncertified = configOf(unstarted).replace('  insecure: true\n', '');
    expect(await launch(uncertified).ended).toMatchObject({
      status: 1,
      errors: expect.stringMatching(/DER_NOSYS: .* no certificates\n.*cert generate/),
    });
    const file = join(scratch, 'uncertified.yml');
    writeFileSync(file, uncertified);
    const checked = spawnSync(process.execPath, [PROGRAM, 'config', 'check', '-c', file]);
    expect(String(checked.stderr)).toMatch(/DER_NOSYS: .* no certificates/);
    // Neither has started an engine.
    expect(existsSync(join(unstarted, 'engine0'))).toBe(false);

    const misspelt = await launch(configOf('/nowhere').replace('targets', 'tragets')).ended;
    expect(misspelt.status).toBe(2);
    expect(misspelt.errors).toMatch(/yml:6: unknown key 'tragets': did you mean 'targets'\?/);

    const directory = newDirectory();
    const { child, ended } = await start(directory);
    child.kill('SIGTERM');
    await ended;
    const header = join(directory, 'format.json');
    const newer = readFileSync(header, 'utf8').replace('"version":1', '"version":9');
    writeFileSync(header, newer);
    const foreign = await launch(configOf(directory)).ended;
    expect(foreign).toMatchObject({ status: 1, errors: expect.stringContaining('version 9') });
    expect(readFileSync(header, 'utf8')).toBe(newer);
  });

  test('a pool that does not fit says what is free, and leaves nothing behind', async () => {
    const directory = newDirectory();
    const { control } = await start(directory);
    await createPool(control, 'first', 600 * MIB);
    await expect(createPool(control, 'second', 600 * MIB)).rejects.toMatchObject({
      code: 'DER_NOSPACE',
      message: expect.stringContaining('322.0 MiB of 1.0 GiB are free'),
    });
    expect(bytesOfPools(directory)).toBe((1024 - 322) * MIB);
    await control.call('createPool', { body: { label: 'second', freePercent: 100 } });
    expect(bytesOfPools(directory)).toBe(1024 * MIB);
    await control.call('destroyPool', { params: { pool: 'first' } });
    // A request's line is written once its answer has left.
    const audit = await until(() => {
      const found = readFileSync(join(directory, 'audit.log'), 'utf8').trim().split('\n');
      return found.length >= 5 && found;
    });
    const lines = audit.map((line) => JSON.parse(line) as Record<string, unknown>);
    // The first is of the rank, which joins.
    expect(lines[0]).toMatchObject({ method: 'POST', url: '/v1/ranks', status: 200 });
    expect(lines.slice(1).map(({ method, status }) => [method, status])).toEqual([
      ['POST', 200],
      ['POST', 507],
      ['POST', 200],
      ['DELETE', 200],
    ]);
    expect((await control.call('listPools')).pools).toMatchObject([{ label: 'second' }]);
  });
});
