// What the control plane costs: a real daos-server with three engines, and one that is started with
// one engine until its first write is done. Everything lies in a directory of /tmp, removed at the
// end.
//
// Names: control/pool/create/{p50,p99}, control/container/{create,open}/{p50,p99},
//        control/container/list-10000/p50, control/server/first-write.
// Flags: --json, --only PREFIX, --seconds S, as native/bench/report.h has them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@daos/client';
import { ControlClient } from '@daos/control/client';
import { makeObjectId } from '@daos/model';
import { readRun } from '@daos/server/data-directory';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = join(here, '../../server/dist/daos-server.js');
const LISTED_COUNT = 10_000;
const CREATED_AT_ONCE = 64;
const LIST_RUN_COUNT = 9;
const START_RUN_COUNT = 3;
const MIB = 2 ** 20;

function fail(text) {
  process.stderr.write(`control-bench: ${text}\n`);
  process.exit(2);
}

function parseFlags(flags) {
  const parsed = { only: '', seconds: 3 };
  for (let i = 0; i < flags.length; i += 1) {
    const value = flags[i + 1];
    if (flags[i] === '--json') continue;
    if (flags[i] === '--only' && value !== undefined) parsed.only = value;
    else if (flags[i] === '--seconds' && Number(value) > 0) parsed.seconds = Number(value);
    else fail(`bad flag '${flags[i]}'; flags: --json, --only PREFIX, --seconds S (over 0)`);
    i += 1;
  }
  return parsed;
}

const { only, seconds } = parseFlags(process.argv.slice(2));
const scratch = mkdtempSync(join(tmpdir(), 'daos-control-bench-'));

/** True when a case, or a metric under it, was asked for. */
const wants = (name) => name.startsWith(only) || only.startsWith(`${name}/`);
const metric = (name, value, unit) => ({ name, value, unit, reference: null, ratio: null });

/** A running daos-server; `stop` ends it by its process id. */
async function startServer(name, engineCount) {
  const directory = join(scratch, name);
  const config = `${directory}.yml`;
  writeFileSync(
    config,
    `data_directory: ${directory}\ncontrol: { port: 0, insecure: true }\n` +
      `engines:\n${'  - storage: { capacity: 4GiB, memory: 512MiB }\n'.repeat(engineCount)}`,
  );
  const child = spawn(process.execPath, [SERVER, 'start', '-c', config], { stdio: 'ignore' });
  const stop = async () => {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
  for (;;) {
    const run = readRun(directory);
    if (run?.pid === child.pid) return { control: new ControlClient({ url: run.url }), stop };
    if (child.exitCode !== null) fail(`daos-server ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function timed(run) {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

/** Milliseconds of each run, over `seconds`, once at least. */
async function measure(run, countMax = Infinity) {
  const times = [];
  const endMs = performance.now() + seconds * 1000;
  do times.push(await timed(() => run(times.length)));
  while (performance.now() < endMs && times.length < countMax);
  return times;
}

function percentiles(name, times, kinds = ['p50', 'p99']) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = { p50: 0.5, p99: 0.99 };
  return kinds.map((kind) => {
    const index = Math.min(sorted.length - 1, Math.floor(sorted.length * at[kind]));
    return metric(`${name}/${kind}`, sorted[index] * 1000, 'us');
  });
}

/** Each is destroyed, outside of its time, before the next: the engines have room for a few. */
async function measurePools(control) {
  const body = { label: 'timed', size: 3 * 64 * MIB };
  const times = [];
  const endMs = performance.now() + seconds * 1000;
  do {
    times.push(await timed(() => control.call('createPool', { body })));
    await control.call('destroyPool', { params: { pool: body.label } });
  } while (performance.now() < endMs);
  return percentiles('control/pool/create', times);
}

async function measureContainers(control) {
  const metrics = [];
  await control.call('createPool', { body: { label: 'tank', size: 3 * 256 * MIB } });
  const params = { pool: 'tank' };
  const create = (label) => control.call('createContainer', { params, body: { label } });
  const times = await measure((index) => create(`c${index}`));
  metrics.push(...percentiles('control/container/create', times));
  if (wants('control/container/open')) {
    const client = await Client.connect({ control });
    const pool = await client.openPool('tank');
    const open = async () => (await pool.openContainer('c0')).close();
    metrics.push(...percentiles('control/container/open', await measure(open)));
    await client.close();
  }
  if (wants('control/container/list-10000')) {
    for (let first = times.length; first < LISTED_COUNT; first += CREATED_AT_ONCE) {
      const count = Math.min(CREATED_AT_ONCE, LISTED_COUNT - first);
      await Promise.all(Array.from({ length: count }, (_, i) => create(`c${first + i}`)));
    }
    const list = async () => {
      const { containers } = await control.call('listContainers', { params });
      if (containers.length < LISTED_COUNT) fail(`${containers.length} containers are listed`);
    };
    const lists = await measure(list, LIST_RUN_COUNT);
    metrics.push(...percentiles('control/container/list-10000', lists, ['p50']));
  }
  return metrics;
}

/** From the start of the program to the first write that was acknowledged, the middle of three. */
async function measureStart() {
  const times = [];
  for (let index = 0; index < START_RUN_COUNT; index += 1) {
    let server;
    let client;
    const tookMs = await timed(async () => {
      server = await startServer(`start${index}`, 1);
      const { control } = server;
      await control.call('createPool', { body: { label: 'tank', size: 256 * MIB } });
      await control.call('createContainer', { params: { pool: 'tank' }, body: { label: 'box' } });
      client = await Client.connect({ control });
      const pool = await client.openPool('tank');
      const container = await pool.openContainer('box');
      const oid = makeObjectId({ user: 1n, type: 'KV_HASHED', objectClass: 'S1' });
      await container.keyValue(oid).put('key', 'value');
    });
    await client.close();
    await server.stop();
    times.push(tookMs);
  }
  return [metric('control/server/first-write', times.toSorted((a, b) => a - b)[1], 'ms')];
}

const metrics = [];
try {
  if (wants('control/server')) metrics.push(...(await measureStart()));
  if (wants('control/pool') || wants('control/container')) {
    const { control, stop } = await startServer('three', 3);
    if (wants('control/pool')) metrics.push(...(await measurePools(control)));
    if (wants('control/container')) metrics.push(...(await measureContainers(control)));
    await stop();
  }
} finally {
  rmSync(scratch, { recursive: true });
}
console.log(JSON.stringify({ metrics: metrics.filter(({ name }) => name.startsWith(only)) }));
