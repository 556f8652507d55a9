// Method: a real etcd of one member, with a data directory of its own, and a prefix of its own for
//         each case.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeMetadataStore } from './conformance.js';
import { EtcdStore } from './etcd-store.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-etcd-'));
let etcd: ChildProcess;
let endpoint = '';
let caseCount = 0;

/** Below those that connections get on their own: nothing takes it before it is used. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

beforeAll(async () => {
  const peer = `http://127.0.0.1:${await freePort()}`;
  endpoint = `http://127.0.0.1:${await freePort()}`;
  etcd = spawn(
    'etcd',
    [
      ...['--data-dir', scratch, '--name', 'one', '--initial-cluster', `one=${peer}`],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--heartbeat-interval', '50', '--election-timeout', '250'],
    ],
    { stdio: 'ignore' },
  );
  const failed = once(etcd, 'error').then(([error]) => {
    throw new Error(`etcd does not start (apt-get install etcd-server): ${String(error)}`);
  });
  const served = (async () => {
    for (;;) {
      const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await Promise.race([served, failed]);
});

afterAll(async () => {
  etcd.kill('SIGKILL');
  await once(etcd, 'exit');
  rmSync(scratch, { recursive: true });
});

let prefix = '';
const open = () => EtcdStore.open({ endpoints: [endpoint], prefix });

describeMetadataStore('control/etcd-store', {
  leaseTtlMs: 1000,
  open: async () => {
    prefix = `/case${caseCount++}`;
    return await open();
  },
  reopen: async (store) => {
    await store.close();
    return await open();
  },
});

describe('control/etcd-store, its own', () => {
  test('two hosts compare and set one key, and each sees what the other did', async () => {
    prefix = `/case${caseCount++}`;
    await using one = await open();
    await using other = await open();
    const watch = other.watch({ prefix: '/' })[Symbol.asyncIterator]();
    const absent = [{ key: '/a', modRevision: 0 }];
    const results = await Promise.all(
      [one, other].map((store, i) => store.txn(absent, [{ put: '/a', value: String(i) }])),
    );
    expect(results.filter(({ succeeded }) => succeeded)).toHaveLength(1);
    const winner = String(results.findIndex(({ succeeded }) => succeeded));
    expect((await watch.next()).value).toMatchObject({ type: 'put', entry: { value: winner } });
    expect((await one.get('/a'))?.value).toBe((await other.get('/a'))?.value);
  });

  test('a watch from a revision that is compacted away is told to range again', async () => {
    prefix = `/case${caseCount++}`;
    await using store = await open();
    for (let i = 0; i < 5; i++) await store.txn([], [{ put: '/a', value: String(i) }]);
    const { revision } = await store.range({ prefix: '/' });
    execFileSync('etcdctl', ['--endpoints', endpoint, 'compaction', String(revision)], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: 'ignore',
    });
    const watch = store.watch({ prefix: '/', afterRevision: 1 })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'DER_STALE' });
  });

  test('no cluster at all is an error that names it', async () => {
    const away = EtcdStore.open({ endpoints: ['http://127.0.0.1:9'], prefix: '/x' });
    await expect(away).rejects.toMatchObject({ code: expect.stringMatching(/UNREACH|TIMEDOUT/) });
  });
});
