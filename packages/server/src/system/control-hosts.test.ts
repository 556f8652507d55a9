// Goal:   several control hosts are one system: any of them may be asked, one acts, and the loss of
//         a host or of a member of the store interrupts nothing for longer than a lease.
// Method: three real servers with an engine each, on a real etcd cluster of three, and a fourth
//         that is no control host; mutual TLS; kill -9.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { generateCertificates } from '../certificates/generate-certificates.js';
import { EtcdCluster, freePort } from './etcd-cluster-fixture.js';
import { createPoolPatiently } from './patient-pool-fixture.js';

const PROGRAM = join(import.meta.dirname, '../../dist/daos-server.js');
const MIB = 2 ** 20;
const HOST_COUNT = 3;
const scratch = mkdtempSync(join(tmpdir(), 'daos-hosts-'));
const certs = join(scratch, 'certs');

interface Host {
  readonly url: string;
  readonly config: string;
  child: ChildProcess;
}

const box = { pool: 'p1', container: 'box' };

let etcd: EtcdCluster;
let hosts: Host[] = [];
let member: Host;
let anyHost: ControlClient;
/** Of a change while all is well: a busy machine takes its time for that as well. */
let plainMs = 0;

function launch(config: string): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', config]);
  child.stderr?.resume();
  return child;
}

/** One that is no control host belongs to the system of those in `controlUrls`. */
async function newHost(index: number, controlUrls?: string[]): Promise<Host> {
  const port = await freePort();
  const metadata = controlUrls
    ? `hosts: [${controlUrls.join(', ')}]`
    : `metadata: { etcd: [${etcd.endpoints.join(', ')}] }`;
  const config = join(scratch, `${index}.yml`);
  writeFileSync(
    config,
    `data_directory: ${join(scratch, String(index))}
fault_path: /host${index}
control:
  port: ${port}
  certificates: ${certs}
  ${metadata}
engines:
  - rank: ${index}
    storage: { capacity: 1GiB, memory: 512MiB }
`,
  );
  return { url: `https://127.0.0.1:${port}`, config, child: launch(config) };
}

async function states(): Promise<string[]> {
  return (await anyHost.call('listRanks')).ranks.map(({ state }) => state);
}

async function until(wanted: () => Promise<boolean>, limitMs = 120_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await wanted().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not in time: ${wanted.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function statusOfBadChange(url: string): Promise<number> {
  const { authority: ca, certificate: cert, key } = readCertificates(certs, 'admin');
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, ca, cert, key };
    const sent = request(`${url}/v1/pools`, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end('{}');
  });
}

const clientOf = (url: string) =>
  new ControlClient({ url, certificates: readCertificates(certs, 'admin') });

/** The host that acts: it does not send a change elsewhere. */
async function leaderIndex(): Promise<number> {
  for (const [index, { url }] of hosts.entries()) {
    if ((await statusOfBadChange(url).catch(() => 0)) === 400) return index;
  }
  return -1;
}

beforeAll(async () => {
  generateCertificates({ directory: certs, hosts: [], days: 1 });
  etcd = await EtcdCluster.start(3);
  hosts = await Promise.all(Array.from({ length: HOST_COUNT }, (_, i) => newHost(i)));
  const urls = hosts.map(({ url }) => url);
  anyHost = clientOf(urls.join(','));
  member = await newHost(HOST_COUNT, urls);
  await until(async () => String(await states()) === 'joined,joined,joined,joined');
});

afterAll(async () => {
  for (const { child } of [...hosts, member]) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await etcd[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

describe('server/control-hosts', () => {
  test('a pool spreads over the engines of all hosts, whichever host is asked', async () => {
    for (const [index, { url }] of hosts.entries()) {
      const client = clientOf(url);
      const label = `p${index}`;
      await until(async () => (await states()).every((state) => state === 'joined'));
      const pool = await client.call('createPool', { body: { label, size: 256 * MIB } });
      expect(pool.map.ranks.map(({ rank }) => rank)).toEqual([0, 1, 2, 3]);
      const status = await client.call('queryPool', { params: { pool: label } });
      expect(status.targets).toHaveLength(4);
    }
    const { hosts: scanned } = await anyHost.call('scanStorage');
    expect(scanned.map(({ ranks, scan }) => [ranks, (scan?.coreCount ?? 0) > 0])).toEqual([
      [[0], true],
      [[1], true],
      [[2], true],
      [[3], true],
    ]);
    // The member sends its callers on.
    for (const { url } of [...hosts, member]) {
      const { pools } = await clientOf(url).call('listPools');
      expect(pools.map(({ label }) => label)).toEqual(['p0', 'p1', 'p2']);
    }
  });

  test('an engine of any host is stopped, started, excluded and let in again', async () => {
    const results = await anyHost.call('stopRanks', { body: { ranks: [1, 3, 7] } });
    expect(results.results).toMatchObject([
      { rank: 1 },
      { rank: 3 },
      { rank: 7, error: expect.stringContaining('no such rank') },
    ]);
    await until(async () => String(await states()) === 'joined,stopped,joined,stopped');
    await anyHost.call('startRanks', { body: {} });
    await until(async () => String(await states()) === 'joined,joined,joined,joined');
    await anyHost.call('excludeRank', { params: { rank: 2 } });
    const map = (await anyHost.getPool('p0')).map;
    expect(map.version).toBe(2);
    expect(map.ranks[2]?.targets[0]?.state).toBe('excluded');
    await anyHost.call('clearExcludedRank', { params: { rank: 2 } });
    await until(async () => String(await states()) === 'joined,joined,joined,joined');
    expect((await anyHost.getPool('p0')).map).toMatchObject({ version: 3 });
  });

  test('when the host that acts is killed, another acts within a lease', async () => {
    const leader = await leaderIndex();
    const { url } = await anyHost.call('getLeader');
    expect(url).toBe(hosts[leader]?.url);
    const properties = { quota_objects: 7 } as never;
    const beforeMs = performance.now();
    await anyHost.call('createContainer', {
      params: { pool: 'p1' },
      body: { label: 'box', properties },
    });
    plainMs = performance.now() - beforeMs;
    const monday = await anyHost.call('createSnapshot', { params: box, body: { name: 'monday' } });
    const host = hosts[leader] as Host;
    host.child.kill('SIGKILL');
    await once(host.child, 'exit');
    const startedMs = performance.now();
    const other = (leader + 1) % HOST_COUNT;
    await createPoolPatiently(anyHost, { label: 'later', size: 64 * MIB, ranks: [other] });
    expect(performance.now() - startedMs).toBeLessThan(15_000 + 20 * plainMs);
    expect(await leaderIndex()).not.toBe(leader);
    await until(async () => (await states())[leader] === 'suspect');
    host.child = launch(host.config);
    await until(async () => (await states())[leader] === 'joined');
    // It has joined; its pools are being opened.
    await until(async () => {
      const status = await anyHost.call('queryPool', { params: { pool: 'p0' } });
      return status.unreachableRanks.length === 0;
    });
    // What one leader made the next one keeps: snapshots, and quotas with their parts.
    const tuesday = await anyHost.call('createSnapshot', { params: box, body: {} });
    const { snapshots } = await anyHost.call('listSnapshots', { params: box });
    expect(snapshots).toEqual([monday, tuesday]);
    const back = anyHost.call('rollbackContainer', { params: box, body: { snapshot: 'monday' } });
    await expect(back).rejects.toMatchObject({ code: 'DER_BUSY' });
    const params = { ...box, snapshot: tuesday.epoch };
    await anyHost.call('destroySnapshot', { params });
    await anyHost.call('rollbackContainer', { params: box, body: { snapshot: 'monday' } });
    expect(await anyHost.call('queryContainer', { params: box })).toMatchObject({
      quotaObjects: 7,
      snapshotCount: 1,
      unreachableRanks: [],
    });
  });

  test('the loss of a member of etcd interrupts nothing', async () => {
    await etcd.kill(0);
    const startedMs = performance.now();
    await anyHost.call('createContainer', { params: { pool: 'p0' }, body: { label: 'c' } });
    await createPoolPatiently(anyHost, { label: 'last', size: 256 * MIB });
    expect(performance.now() - startedMs).toBeLessThan(20_000 + 20 * plainMs);
    expect((await anyHost.call('listPools')).pools).toHaveLength(5);
  });
});
