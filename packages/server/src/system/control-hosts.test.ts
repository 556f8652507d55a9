// Goal:   several control hosts are one system: any of them may be asked, one acts, and the loss of
//         a host or of a member of the store interrupts nothing for longer than a lease.
// Method: three real servers with an engine each, on a real etcd cluster of three; kill -9.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { EtcdCluster, freePort } from './etcd-cluster-fixture.js';

const PROGRAM = join(import.meta.dirname, '../../dist/daos-server.js');
const MIB = 2 ** 20;
const HOST_COUNT = 3;
const scratch = mkdtempSync(join(tmpdir(), 'daos-hosts-'));

interface Host {
  readonly url: string;
  readonly config: string;
  child: ChildProcess;
}

let etcd: EtcdCluster;
let hosts: Host[] = [];
let anyHost: ControlClient;

function launch(config: string): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', config]);
  child.stderr?.resume();
  return child;
}

async function newHost(index: number): Promise<Host> {
  const port = await freePort();
  const config = join(scratch, `${index}.yml`);
  writeFileSync(
    config,
    `data_directory: ${join(scratch, String(index))}
fault_path: /host${index}
control:
  port: ${port}
  insecure: true
  metadata:
    etcd: [${etcd.endpoints.join(', ')}]
engines:
  - rank: ${index}
    storage: { capacity: 1GiB, memory: 512MiB }
`,
  );
  return { url: `http://127.0.0.1:${port}`, config, child: launch(config) };
}

async function states(): Promise<string[]> {
  return (await anyHost.call('listRanks')).ranks.map(({ state }) => state);
}

async function until(wanted: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await wanted().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not in time: ${wanted.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The host that acts: it does not send a change elsewhere. */
async function leaderIndex(): Promise<number> {
  for (const [index, { url }] of hosts.entries()) {
    const answer = await fetch(`${url}/v1/pools`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }).catch(() => undefined);
    if (answer?.status === 400) return index;
  }
  return -1;
}

beforeAll(async () => {
  etcd = await EtcdCluster.start(3);
  hosts = await Promise.all(Array.from({ length: HOST_COUNT }, (_, i) => newHost(i)));
  anyHost = new ControlClient({ url: hosts.map(({ url }) => url).join(',') });
  await until(async () => String(await states()) === 'joined,joined,joined');
}, 60_000);

afterAll(async () => {
  for (const { child } of hosts) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await etcd[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
}, 30_000);

describe('server/control-hosts', () => {
  test('a pool spreads over the engines of all hosts, whichever host is asked', async () => {
    for (const [index, { url }] of hosts.entries()) {
      const client = new ControlClient({ url });
      const label = `p${index}`;
      const pool = await client.call('createPool', { body: { label, size: 192 * MIB } });
      expect(pool.map.ranks.map(({ rank }) => rank)).toEqual([0, 1, 2]);
      const status = await client.call('queryPool', { params: { pool: label } });
      expect(status.targets).toHaveLength(3);
    }
    const { hosts: scanned } = await anyHost.call('scanStorage');
    expect(scanned.map(({ ranks, scan }) => [ranks, (scan?.coreCount ?? 0) > 0])).toEqual([
      [[0], true],
      [[1], true],
      [[2], true],
    ]);
    for (const { url } of hosts) {
      const { pools } = await new ControlClient({ url }).call('listPools');
      expect(pools.map(({ label }) => label)).toEqual(['p0', 'p1', 'p2']);
    }
  });

  test('an engine of any host is stopped, started, excluded and let in again', async () => {
    const results = await anyHost.call('stopRanks', { body: { ranks: [1, 2, 7] } });
    expect(results.results).toMatchObject([
      { rank: 1 },
      { rank: 2 },
      { rank: 7, error: expect.stringContaining('no such rank') },
    ]);
    await until(async () => String(await states()) === 'joined,stopped,stopped');
    await anyHost.call('startRanks', { body: {} });
    await until(async () => String(await states()) === 'joined,joined,joined');
    await anyHost.call('excludeRank', { params: { rank: 2 } });
    const map = (await anyHost.getPool('p0')).map;
    expect(map.version).toBe(2);
    expect(map.ranks[2]?.targets[0]?.state).toBe('excluded');
    await anyHost.call('clearExcludedRank', { params: { rank: 2 } });
    await until(async () => String(await states()) === 'joined,joined,joined');
    expect((await anyHost.getPool('p0')).map).toMatchObject({ version: 3 });
  });

  test('when the host that acts is killed, another acts within a lease', async () => {
    const leader = await leaderIndex();
    const host = hosts[leader] as Host;
    host.child.kill('SIGKILL');
    await once(host.child, 'exit');
    const startedMs = performance.now();
    const other = (leader + 1) % HOST_COUNT;
    await anyHost.call('createPool', { body: { label: 'later', size: 64 * MIB, ranks: [other] } });
    expect(performance.now() - startedMs).toBeLessThan(6000);
    expect(await leaderIndex()).not.toBe(leader);
    await until(async () => (await states())[leader] === 'suspect');
    host.child = launch(host.config);
    await until(async () => (await states())[leader] === 'joined');
    // It has joined; its pools are being opened.
    await until(async () => {
      const status = await anyHost.call('queryPool', { params: { pool: 'p0' } });
      return status.unreachableRanks.length === 0;
    });
  }, 60_000);

  test('the loss of a member of etcd interrupts nothing', async () => {
    await etcd.kill(0);
    const startedMs = performance.now();
    await anyHost.call('createContainer', { params: { pool: 'p0' }, body: { label: 'c' } });
    await anyHost.call('createPool', { body: { label: 'last', size: 192 * MIB } });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect((await anyHost.call('listPools')).pools).toHaveLength(5);
  }, 60_000);
});
