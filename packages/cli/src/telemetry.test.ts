// Goal:   what is done with data is counted where it is done, and reaches scrapers, REST and the
//         dashboard under its name.
// Method: a real server with two engines; a known number of operations by the real client.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import type { ControlClient } from '@daos/control/client';
import { makeObjectId } from '@daos/model';
import { makeDmg } from './dmg.js';
import { TestSystem } from './system-fixture.js';

const MIB = 2 ** 20;
const UPDATE_COUNT = 300;
const VALUE_SIZE = 100;
const DASHBOARD = join(import.meta.dirname, '../../control/dashboards/daos.json');

let system: TestSystem;
let control: ControlClient;

async function metricsText(): Promise<string> {
  return await (await fetch(`${system.url}/metrics`)).text();
}

/** Over all targets. */
function sumOf(text: string, name: string, label = ''): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  const wanted = lines.filter((line) => line.includes(label));
  return wanted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

beforeAll(async () => {
  system = await TestSystem.start({ engineCount: 2 });
  control = system.admin();
  await control.call('createPool', { body: { label: 'p', size: 512 * MIB } });
  await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
  await using client = await Client.connect({ control: system.url });
  await using pool = await client.openPool('p');
  await using container = await pool.openContainer('c');
  const oid = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'SX' });
  const object = container.object(oid);
  const keys = Array.from({ length: UPDATE_COUNT }, (_, i) => `key${i}`);
  await Promise.all(keys.map((key) => object.update(key, 'a', Buffer.alloc(VALUE_SIZE))));
  await Promise.all(keys.map((key) => object.fetch(key, 'a')));
  for await (const _ of object.dkeys()) continue;
  await object.update('key0', 'a', 'x', { conditions: ['dkeyInsert'] }).catch(() => undefined);
  await object.punchDkey('key0');
});

afterAll(async () => {
  await system.stop();
});

type ListAnswer = { response: { metrics: { name: string }[] } };

const dmg = (...parameters: string[]) => system.run(makeDmg, parameters);
const metrics = (...parameters: string[]) => dmg('telemetry', 'metrics', ...parameters);

describe('cli/telemetry', () => {
  test('metrics of one host are read from where it tells them', async () => {
    const host = new URL(system.url).host;
    const name = 'engine_pool_ops_update';
    const { status, output } = await metrics('query', '-l', host, '-m', name);
    const rows = output.split('\n').filter((line) => line.startsWith(name));
    const values = rows.map((row) => Number(row.trim().split(/ +/).at(-1)));
    expect([status, values.reduce((sum, one) => sum + one)]).toEqual([0, UPDATE_COUNT + 1]);
    const [port = ''] = host.split(':').slice(-1);
    for (const where of [['127.0.0.1', '--port', port], ['127.0.0.1'], [`${system.url}/metrics`]]) {
      const found = await dmg('--json', 'telemetry', 'metrics', 'list', '-l', ...where);
      const { response } = JSON.parse(found.output) as ListAnswer;
      const { families } = await control.call('getMetrics');
      expect(response.metrics.map((one) => one.name)).toEqual(families.map((one) => one.name));
    }
  });

  test('anything else that tells metrics is read, and what tells none is named', async () => {
    let text = '';
    const server = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    text = 'load 0.5\n# TYPE up gauge\nup{job="a}b\\""} +Inf 1700000000\n';
    const all = await dmg('--json', 'telemetry', 'metrics', 'query', '-l', at);
    expect(JSON.parse(all.output)).toMatchObject({
      response: {
        families: [
          { name: 'load', type: 'unknown', samples: [{ labels: {}, value: 0.5 }] },
          { name: 'up', type: 'gauge', samples: [{ labels: { job: 'a}b"' }, value: '+Inf' }] },
        ],
      },
    });
    const near = await metrics('query', '-l', at, '-m', 'laod');
    expect([near.status, near.errors]).toEqual([3, expect.stringContaining("mean 'load'?")]);
    text = '<html>';
    const html = await metrics('list', '-l', at);
    expect([html.status, html.errors]).toEqual([1, expect.stringContaining('line 1 is no line')]);
    await new Promise((resolve) => server.close(resolve));
    const gone = await metrics('list', '-l', at);
    expect([gone.status, gone.errors]).toEqual([4, expect.stringContaining(at)]);
  });

  test.each([
    [['-l', 'a b'], /'a b' is no HOST\[:PORT\]/],
    [['-l', 'h:1', '-p', '2'], /has its port already/],
    [['-l', 'h', '-p', '70000'], /'70000' is no port/],
    [['-p', '70'], /--port goes with --host/],
  ])('%j names no host', async (parameters, why) => {
    const { status, errors } = await metrics('list', ...parameters);
    expect([status, errors]).toEqual([2, expect.stringMatching(why)]);
  });

  test('operations, bytes, failures and latencies are counted, each once', async () => {
    const text = await metricsText();
    expect(sumOf(text, 'engine_pool_ops_update')).toBe(UPDATE_COUNT + 1);
    expect(sumOf(text, 'engine_pool_ops_fetch')).toBe(UPDATE_COUNT);
    expect(sumOf(text, 'engine_pool_xferred_update')).toBe(UPDATE_COUNT * VALUE_SIZE);
    expect(sumOf(text, 'engine_pool_xferred_fetch')).toBe(UPDATE_COUNT * VALUE_SIZE);
    expect(sumOf(text, 'daos_pool_ops_punch')).toBe(1);
    expect(sumOf(text, 'daos_pool_ops_enumerate')).toBeGreaterThanOrEqual(2);
    expect(sumOf(text, 'daos_pool_ops_failed_total')).toBe(1);
    // Updates wait for the disk: each of them is timed.
    const ofUpdates = 'operation="update"';
    expect(sumOf(text, 'daos_pool_op_latency_seconds_count', ofUpdates)).toBe(UPDATE_COUNT + 1);
    const sum = sumOf(text, 'daos_pool_op_latency_seconds_sum', ofUpdates);
    expect(sum).toBeGreaterThan(1e-6 * UPDATE_COUNT);
    expect(sum).toBeLessThan(10 * UPDATE_COUNT);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  test('buckets of a histogram rise, and the last one holds all', async () => {
    const lines = (await metricsText()).split('\n');
    const own = lines.filter(
      (line) =>
        line.startsWith('daos_pool_op_latency_seconds_bucket') &&
        /rank="0",target="0",operation="update"/.test(line),
    );
    const counts = own.map((line) => Number(line.slice(line.lastIndexOf(' '))));
    expect(counts.length).toBeGreaterThan(10);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(own.at(-1)).toContain('le="+Inf"');
    expect(counts.at(-1)).toBeGreaterThan(0);
  });

  test('the activity of a pool is what the targets counted', async () => {
    const { targets } = await control.call('getPoolActivity', { params: { pool: 'p' } });
    expect(targets.map(({ rank, index }) => [rank, index])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    const updates = targets.flatMap(({ operations }) =>
      operations.filter(({ operation }) => operation === 'update'),
    );
    expect(updates.reduce((sum, { count }) => sum + count, 0)).toBe(UPDATE_COUNT + 1);
    expect(updates.every(({ count }) => count > 0)).toBe(true);
  });

  test('what is logged changes while servers and engines run', async () => {
    const log = () => readFileSync(system.part('server.log'), 'utf8');
    const setLevel = async (...masks: string[]) =>
      (await system.run(makeDmg, ['server', 'set-logmasks', ...masks])).status;
    expect(log()).toContain(' info rank 0 serves');
    expect(await setLevel('--masks', 'ERR')).toBe(0);
    const quiet = log().length;
    await control.call('stopRanks', { body: { ranks: [1] } });
    await control.call('startRanks', { body: { ranks: [1] } });
    expect(log().slice(quiet)).toBe('');
    expect(await setLevel('--masks', 'debug')).toBe(0);
    await control.call('stopRanks', { body: { ranks: [1] } });
    await control.call('startRanks', { body: { ranks: [1] } });
    const loud = log().slice(quiet);
    expect(loud).toContain(' info rank 1 serves');
    expect(loud).toMatch(/ debug rank 1: io_uring/);
    expect(await setLevel()).toBe(0);
    expect(log()).toContain("level 'info' and above");
    expect(await setLevel('--masks', 'loud')).toBe(2);
  });

  test('every metric that the dashboard shows is there', async () => {
    const names = new Set(
      [...(await metricsText()).matchAll(/^([a-z_]+)\{/gm)].map(([, name]) => name),
    );
    const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    const shown = dashboard.panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/\b(?:daos|engine|process)_[a-z_]+/g) ?? []),
    );
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter((name) => !names.has(name))).toEqual([]);
  });
});
