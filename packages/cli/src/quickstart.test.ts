// Goal:   whatever a directory holds comes back identical, or is counted as left out.
// Method: the quick start's programs over a directory made to be difficult, with its own server,
//         engine killed in between.

import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseRequest } from './quickstart/request.js';
import { QuickstartDirectory } from './quickstart/server-process.js';

const PROGRAM = join(import.meta.dirname, '../dist/quickstart-main.js');
const scratch = mkdtempSync(join(tmpdir(), 'daos-quickstart-'));
const home = join(scratch, 'home');
const tree = join(scratch, 'tree');

/** The user who may do nothing, on every Linux. */
const NOBODY = 65_534;
/** Of /proc, on every Linux. */
const MS_PER_TICK = 10;

const quickstart = (...parameters: string[]) =>
  promisify(execFile)(process.execPath, [PROGRAM, '--home', home, '--port', '0', ...parameters]);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Time on a core that a process has had, over all its threads. */
function cpuMs(pid: number): number {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ') as [string, string];
  const [userTicks, systemTicks] = fields.split(' ').slice(11, 13).map(Number) as [number, number];
  return (userTicks + systemTicks) * MS_PER_TICK;
}

/** Shares of one core, over `ms`. */
async function cpuShares(pids: readonly number[], ms: number): Promise<number[]> {
  const before = pids.map(cpuMs);
  await pause(ms);
  return pids.map((pid, i) => (cpuMs(pid) - (before[i] as number)) / ms);
}

beforeAll(() => {
  mkdirSync(join(tree, 'a/deep/directory'), { recursive: true });
  const notUtf8 = Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff, 0xfe, 0x80])]);
  writeFileSync(notUtf8, 'a name that is not UTF-8');
  writeFileSync(join(tree, 'a/new\nline and blank'), 'odd');
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'one-byte'), 'x');
  writeFileSync(join(tree, 'a/chunk'), Buffer.alloc(1 << 20, 1));
  writeFileSync(join(tree, 'a/chunk-and-one'), Buffer.alloc((1 << 20) + 1, 2));
  writeFileSync(join(tree, 'a/deep/large'), Buffer.alloc(5_000_000, 'pattern'));
  writeFileSync(join(tree, 'n'.repeat(255)), 'a long name');
  for (let i = 0; i < 150; i++) writeFileSync(join(tree, `a/deep/directory/${i}`), `file ${i}`);
  symlinkSync('/etc/passwd', join(tree, 'link'));
  utimesSync(join(tree, 'one-byte'), 1_000_000_000, 1_000_000_000);
});

afterAll(async () => {
  await quickstart('--stop');
  rmSync(scratch, { recursive: true });
});

test('cli/quickstart: a difficult directory comes back identical after a kill', async () => {
  const { stdout } = await quickstart(tree);
  expect(stdout).toMatch(/engine \d+ was killed; \d+ serves in its place/);
  expect(stdout).toMatch(/start to the first completed write: \d+ ms \(server and engine \d+ ms/);
  expect(stdout).toContain('all 158 files and 3 directories came back identical');
  expect(stdout).toContain('left out: 1 symbolic links');
  expect(stdout.trimEnd().endsWith(`tools/quickstart --stop --home ${home}`)).toBe(true);
});

test('cli/quickstart: its engine and server rest while nobody asks anything', async () => {
  const run = new QuickstartDirectory(home).findServer()!;
  const [engine] = run.engines;
  // What the work before left to be done (checkpoints, sessions that end) is not rest.
  await pause(3_000);
  const used = await cpuShares([engine!.pid, run.pid], 10_000);
  expect(used[0]).toBeLessThanOrEqual(0.01);
  // The budget is the engine's. The server's leases, checks and garbage collection come in bursts.
  expect(used[1]).toBeLessThanOrEqual(0.05);
});

test('cli/quickstart: while one works, another one leaves its system alone', async () => {
  const inUse = new QuickstartDirectory(home);
  const run = inUse.findServer()!;
  using _lock = inUse.claim(0);
  await expect(quickstart(tree)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`quick start in ${home} is in use by process ${process.pid}`),
  });
  expect(inUse.findServer()?.pid).toBe(run.pid);
});

test('cli/quickstart: stopping removes everything, and says when there is nothing', async () => {
  expect((await quickstart('--stop')).stdout).toMatch(/stopped, and removed/);
  expect((await quickstart('--stop')).stdout).toMatch(/nothing runs/);
});

test('cli/quickstart: where there is no room it says so, and what goes on', async () => {
  const sparse = join(scratch, 'sparse');
  mkdirSync(sparse);
  writeFileSync(join(sparse, 'file'), '');
  truncateSync(join(sparse, 'file'), 8 * 2 ** 40);
  await expect(quickstart(sparse)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`the server goes on until 'tools/quickstart --stop`),
    stderr: expect.stringMatching(/DER_NOSPACE: .*are free\nwhat to do: .*--home/),
  });
  expect((await quickstart('--stop')).stdout).toMatch(/stopped, and removed/);
});

test('cli/quickstart: a directory that is not there is an error that names it', async () => {
  const failed = quickstart('/no/such/directory');
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('/no/such/directory'),
  });
});

test('cli/quickstart: a directory that this user may not read is refused', () => {
  const closed = join(scratch, 'closed');
  mkdirSync(closed, { mode: 0 });
  chmodSync(scratch, 0o711);
  // Root may read everything.
  const user = process.geteuid?.();
  if (user === 0) process.seteuid?.(NOBODY);
  try {
    expect(() => parseRequest([closed])).toThrow(/^cannot read .*closed: .*permission denied/);
  } finally {
    if (user === 0) process.seteuid?.(0);
  }
});

test('cli/quickstart: a directory of somebody else stays as it is', async () => {
  const foreign = join(scratch, 'foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'thesis'), 'of years');
  for (const parameters of [['--stop'], [tree]]) {
    await expect(quickstart('--home', foreign, ...parameters)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--home'),
    });
  }
  expect(readFileSync(join(foreign, 'thesis'), 'utf8')).toBe('of years');
});

test('cli/quickstart: wrong parameters are one clear error, and nothing is begun', async () => {
  const wrong: [string[], string][] = [
    [['--bogus'], "Unknown option '--bogus'"],
    [['--port', 'abc', tree], "'abc' is no port"],
    [['--port', '65536', tree], "'65536' is no port"],
    [['--home', '', tree], 'give a directory'],
    [['--stop', tree], '--stop takes no directory'],
    [[tree, tree], 'give one directory'],
    [[scratch], 'hold one another'],
  ];
  for (const [parameters, message] of wrong) {
    const failed = quickstart(...parameters);
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });
    await expect(failed).rejects.not.toMatchObject({ stderr: expect.stringMatching(/^ +at /m) });
  }
  expect((await quickstart('--help')).stdout).toContain('--stop');
});
