// Goal:   a host whose wall clock is an hour off, either way, does no harm to a system of several:
//         pools are made, answers are given again as they were, handles stay open, ranks stay, and
//         what engines with different clocks wrote is in the order in which it was written.
// Method: three network namespaces as hosts, each with a wall clock of its own that the test sets
//         while all of it runs (three-hosts-fixture.ts); mutual TLS; a program that has a container
//         open all the while. The members of etcd go by the machine's clock.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { HostNetworks } from './host-networks-fixture.js';
import { createPoolPatiently } from './patient-pool-fixture.js';
import { HOSTS, ThreeHosts, until } from './three-hosts-fixture.js';

const HOUR_MS = 3_600_000;
const HOUR_NS = BigInt(HOUR_MS) * 1_000_000n;
const MIB = 2 ** 20;
const KEYS = Array.from({ length: 24 }, (_, i) => `key ${i}`);
const isPossible = HostNetworks.isAvailable();
const onNetworks = isPossible ? test : test.skip;
const params = { pool: 'kept', container: 'box' };

let hosts: ThreeHosts;
let admin: ControlClient;
let handle: OpenHandle;

/** A program that has the container open. */
class OpenHandle {
  readonly #program: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  static async start(): Promise<OpenHandle> {
    const program = hosts.startOpenHandle(params.pool, params.container);
    const started = new OpenHandle(program);
    expect((await started.#lines.next()).value).toBe('open');
    return started;
  }

  private constructor(program: ChildProcess) {
    this.#program = program;
    if (!program.stdout) throw new Error('it says nothing');
    this.#lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  }

  /** Of all keys; the epochs. */
  async put(value: string): Promise<bigint[]> {
    const epochs: bigint[] = [];
    for (const key of KEYS) {
      const answer = await this.#ask(['put', key, value]);
      expect(answer).toEqual({ epoch: expect.stringMatching(/^\d+$/) });
      epochs.push(BigInt((answer as { epoch: string }).epoch));
    }
    return epochs;
  }

  /** Every key has it. */
  async expectAll(value: string, snapshot?: string): Promise<void> {
    for (const key of KEYS) {
      const asked = ['get', key, ...(snapshot === undefined ? [] : [snapshot])];
      expect([key, await this.#ask(asked)]).toEqual([key, { value }]);
    }
  }

  async close(): Promise<void> {
    this.#program.stdin?.end();
    if (this.#program.exitCode === null) await once(this.#program, 'exit');
  }

  async #ask(command: readonly string[]): Promise<unknown> {
    this.#program.stdin?.write(`${JSON.stringify(command)}\n`);
    return JSON.parse((await this.#lines.next()).value as string);
  }
}

beforeAll(async () => {
  if (!isPossible) return;
  hosts = await ThreeHosts.start({ hasOwnClocks: true });
  admin = hosts.admin();
  await createPoolPatiently(admin, { label: 'kept', size: 192 * MIB, ranks: HOSTS });
  await admin.call('createContainer', { params: { pool: 'kept' }, body: { label: 'box' } });
  handle = await OpenHandle.start();
});

afterAll(async () => {
  await handle?.close();
  await hosts?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  if (isPossible) for (const host of HOSTS) hosts.setClock(host, 0);
});

async function leader(): Promise<number> {
  let found = -1;
  await until(async () => {
    const { url } = await admin.call('getLeader');
    found = HOSTS.map((host) => hosts.urlOf(host)).indexOf(url ?? '');
    return found >= 0;
  });
  return found;
}

const untilAllJoined = () =>
  until(async () => {
    const { ranks } = await admin.call('listRanks');
    return ranks.every(({ state }) => state === 'joined');
  });

/** Makes a container under a key of the caller's, as asked of one host; follows it to another. */
async function create(host: number, label: string, key: string): Promise<unknown> {
  const { authority: ca, certificate: cert, key: secret } = readCertificates(
    hosts.part('certs'),
    'admin',
  );
  const send = (url: string) =>
    new Promise<{ status: number; location: string; text: string }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const options = { method: 'POST', ca, cert, key: secret, headers, agent: false };
      const sent = request(url, options, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        const { statusCode: status = 0, headers: told } = answer;
        answer.on('end', () => resolve({ status, text, location: told.location ?? '' }));
      });
      sent.on('error', reject);
      sent.end(JSON.stringify({ label }));
    });
  let answer = { status: 0, location: '', text: '' };
  // While nobody acts, as when the members of etcd have just found together again.
  await until(async () => {
    answer = await send(`${hosts.urlOf(host)}/v1/pools/kept/containers`);
    if (answer.status === 307) answer = await send(answer.location);
    return answer.status !== 503;
  });
  expect(answer).toMatchObject({ status: 200 });
  return JSON.parse(answer.text);
}

const without = (leading: number) => HOSTS.filter((host) => host !== leading);

describe.each([
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
])('server/host-clocks: an hour %s', (name, aheadMs) => {
  onNetworks('an engine, among others: snapshots and later writes are in order', async () => {
    const before = await handle.put('old');
    const [odd = 0] = without(await leader());
    hosts.setClock(odd, aheadMs);
    const written = await handle.put('pinned');
    for (const [i, epoch] of written.entries()) expect(epoch > (before[i] ?? 0n)).toBe(true);
    const body = { name: `${name}-pin` };
    const { epoch } = await admin.call('createSnapshot', { params, body });
    // Later than all that was written, by whichever clock.
    for (const one of written) expect(BigInt(epoch) > one).toBe(true);
    const isFar = written.map((one) => one - (before[0] ?? 0n) > HOUR_NS / 2n);
    if (aheadMs > 0) expect(new Set(isFar)).toEqual(new Set([true, false]));
    const later = await handle.put('new');
    for (const one of later) expect(one > BigInt(epoch)).toBe(true);
    await handle.expectAll('pinned', `${name}-pin`);
    await handle.expectAll('new');

    // The clock is set right, under the engine: it goes on from where it was.
    hosts.setClock(odd, 0);
    const right = await handle.put('right');
    for (const [i, one] of right.entries()) expect(one > (later[i] ?? 0n)).toBe(true);
    await handle.expectAll('right');
    await handle.expectAll('pinned', `${name}-pin`);
    await untilAllJoined();
  });

  onNetworks('the host that acts makes pools, repeats answers, and opens containers', async () => {
    const acting = await leader();
    const answer = await create(acting, `${name}-first`, `${name}-key`);
    const labels = Array.from({ length: 4 }, (_, i) => `${name}-${i}`);
    const making = labels.map((label) => createPoolPatiently(admin, { label, size: 96 * MIB }));
    await handle.put('before');
    // While pools are under way.
    hosts.setClock(acting, aheadMs);
    await Promise.all(making);
    await createPoolPatiently(admin, { label: `${name}-later`, size: 96 * MIB });
    for (const host of HOSTS) {
      expect(await create(host, `${name}-first`, `${name}-key`)).toEqual(answer);
    }
    const made = (await create(acting, `${name}-then`, `${name}-then`)) as { createdMs: number };
    const seenMs = made.createdMs - Date.now();
    // By which clock it goes; another may lead by now where the machine is slow.
    if ((await leader()) === acting) expect(Math.abs(seenMs - aheadMs)).toBeLessThan(HOUR_MS / 2);

    await handle.expectAll('before');
    await handle.put('meanwhile');
    const opened = await OpenHandle.start();
    await opened.expectAll('meanwhile');
    await opened.close();
    await untilAllJoined();
    hosts.setClock(acting, 0);
    await handle.put('after');
    await handle.expectAll('after');
    for (const label of [...labels, `${name}-later`]) {
      await admin.call('destroyPool', { params: { pool: label } });
    }
    expect((await admin.call('listPools')).pools.map(({ label }) => label)).toEqual(['kept']);
  });

  onNetworks('a host takes over, and answers what the one before it did', async () => {
    const acting = await leader();
    const answer = await create(acting, `${name}-second`, `${name}-taken`);
    const others = without(acting);
    for (const host of others) hosts.setClock(host, aheadMs);
    hosts.networks.cut(acting);
    try {
      const elsewhere = hosts.admin(others);
      const body = { label: `${name}-taken`, size: 64 * MIB, ranks: others };
      await createPoolPatiently(elsewhere, body);
      const [host = 0] = others;
      expect(await create(host, `${name}-second`, `${name}-taken`)).toEqual(answer);
      await elsewhere.call('destroyPool', { params: { pool: `${name}-taken` } });
    } finally {
      hosts.networks.mend(acting);
    }
    await untilAllJoined();
    await handle.put('after all');
    await handle.expectAll('after all');
  });
});
