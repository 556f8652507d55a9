// Goal:   wherever the control host that acts is killed while it creates, resizes or destroys a
//         pool or a container, the next one finds the thing whole or makes it gone, takes no space
//         for what is not there, neither in the books nor in the directories of engines, and
//         carries the request out once when its caller repeats it: what had come about is not done
//         again.
// Method: a real etcd, a server with two engines that is no control host, a control host in a
//         process of its own that kills itself at one step of a change, each step in turn, and one
//         in this process that takes over. Only the end of the dead host's lease is hastened: it
//         is revoked, as etcd does itself when its time is over (three-hosts.test.ts waits for
//         that).
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { EtcdStore } from '@daos/control/etcd-store';
import type { Armed } from '../kill-step-fixture.js';
import {
  CHANGES,
  lookAtPools,
  sendKeyed,
  type Change,
  type KeyedRequest,
  type PoolState,
} from '../pool-changes-fixture.js';
import { ControlHostFixture } from './control-host-fixture.js';
import { EtcdCluster, freePort } from './etcd-cluster-fixture.js';

const DIST = join(import.meta.dirname, '../../dist');
const RANKS = [0, 1];
const LIMIT_MS = 60_000;
// In memory: what is tried are steps, not disks.
const scratch = mkdtempSync('/dev/shm/daos-takeover-');
const part = (name: string) => join(scratch, name);
const urlOf = (port: number) => `http://127.0.0.1:${port}`;

let etcd: EtcdCluster;
let store: EtcdStore;
let engines: ChildProcess;
/** Dies at a step, again and again. */
let victim: { port: number; process: ChildProcess };
let heir: { port: number; host: ControlHostFixture };
let control: ControlClient;

async function until<T>(find: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await find();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${find.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const launch = (...parameters: string[]): ChildProcess =>
  spawn(process.execPath, parameters, { stdio: 'ignore' });

function launchVictim(port: number): ChildProcess {
  const options = encodeURIComponent(JSON.stringify({ port, etcd: etcd.endpoints }));
  const steps = `file://${join(DIST, 'kill-step-fixture.js')}?armed=${part('armed')}`;
  const host = `file://${join(DIST, 'system/control-host-fixture.js')}?options=${options}`;
  return launch('--import', steps, '--import', host, '--eval', '');
}

const leaderUrl = async (): Promise<string | undefined> => {
  const entry = await store.get('/leader');
  return entry && (JSON.parse(entry.value) as { url: string }).url;
};

/** As etcd does when nobody has renewed it for as long as it lasts. */
async function endLeaseOfDead(port: number): Promise<void> {
  const entry = await store.get('/leader');
  if (!entry || (await leaderUrl()) !== urlOf(port)) return;
  const { ok } = await fetch(`${etcd.endpoints[0]}/v3/lease/revoke`, {
    method: 'POST',
    body: JSON.stringify({ ID: entry.leaseId }),
  });
  expect(ok).toBe(true);
}

/** When it ends that host acts, and has finished what was left unfinished. */
async function awaitLead(port: number): Promise<void> {
  await until(async () => (await leaderUrl()) === urlOf(port));
  const host = new ControlClient({ url: urlOf(port) });
  await host.call('changeSystemAttributes', { body: { set: { turn: randomUUID() } } });
}

beforeAll(async () => {
  etcd = await EtcdCluster.start(1);
  store = await EtcdStore.open({ endpoints: etcd.endpoints, prefix: '/daos/daos_server' });
  const ports = [await freePort(), await freePort()] as const;
  const urls = ports.map(urlOf).join(',');
  writeFileSync(
    part('server.yml'),
    `data_directory: ${part('data')}\n` +
      `control: { port: 0, insecure: true, hosts: [${urls}] }\nengines:\n` +
      '  - { transports: [tcp], storage: { capacity: 1GiB, memory: 256MiB } }\n'.repeat(2),
  );
  engines = launch(join(DIST, 'daos-server.js'), 'start', '-c', part('server.yml'));
  control = new ControlClient({ url: urls });
  victim = { port: ports[0], process: launchVictim(ports[0]) };
  await awaitLead(victim.port);
  heir = { port: ports[1], host: await startHeir(ports[1]) };
  await until(async () => {
    const { ranks } = await control.call('listRanks');
    return ranks.length === RANKS.length && ranks.every(({ state }) => state === 'joined');
  });
});

afterAll(async () => {
  for (const child of [engines, victim?.process]) {
    if (!child || child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await heir?.host[Symbol.asyncDispose]();
  await store?.close();
  await etcd?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

const startHeir = (port: number) => ControlHostFixture.start({ port, etcd: etcd.endpoints });

const look = () =>
  lookAtPools(
    control,
    RANKS.map((rank) => join(part('data'), `engine${rank}`)),
  );

async function send(...requests: readonly KeyedRequest[]): Promise<void> {
  const url = (await leaderUrl()) ?? '';
  for (const request of requests) await sendKeyed(url, request, randomUUID());
}

/** The name of the step that the victim died at; undefined when it came to its end before. */
async function dieAt(
  request: KeyedRequest,
  key: string,
  armed: Omit<Armed, 'report'>,
): Promise<string | undefined> {
  const report = part('report');
  rmSync(report, { force: true });
  writeFileSync(part('armed'), JSON.stringify({ ...armed, report } satisfies Armed));
  const exit = once(victim.process, 'exit');
  const failure: unknown = await sendKeyed(urlOf(victim.port), request, key).then(
    () => undefined,
    (error: unknown) => error,
  );
  rmSync(part('armed'));
  if (!existsSync(report)) {
    expect(failure).toBeUndefined();
    return undefined;
  }
  expect(failure).toBeDefined();
  await exit;
  await endLeaseOfDead(victim.port);
  victim.process = launchVictim(victim.port);
  await awaitLead(heir.port);
  return readFileSync(report, 'utf8');
}

/** The victim leads again, and another heir stands by. */
async function takeTurns(): Promise<void> {
  await heir.host[Symbol.asyncDispose]();
  await awaitLead(victim.port);
  heir.host = await startHeir(heir.port);
}

/** Dies there; checks what is left, and what comes of the request when it is repeated. */
async function tryDeath(
  { request, undo }: Change,
  [before, after]: readonly PoolState[],
  armed: Omit<Armed, 'report'>,
): Promise<string | undefined> {
  const key = randomUUID();
  const name = await dieAt(request, key, armed);
  if (name === undefined) {
    expect(await look()).toEqual(after);
  } else {
    expect([before, after]).toContainEqual(await look());
    const answer = await sendKeyed(urlOf(heir.port), request, key);
    expect([name, await look()]).toEqual([name, after]);
    expect(await sendKeyed(urlOf(heir.port), request, key)).toEqual(answer);
    expect(await look()).toEqual(after);
  }
  await send(...undo);
  expect(await look()).toEqual(before);
  if (name !== undefined) await takeTurns();
  return name;
}

describe('server/takeover: the host that acts is killed', () => {
  test.each(CHANGES)('$name', async (change) => {
    const before = await look();
    await send(change.request);
    const states = [before, await look()];
    await send(...change.undo);
    expect(await look()).toEqual(before);
    const names: string[] = [];
    for (;;) {
      const name = await tryDeath(change, states, { step: names.length, when: 'before' });
      if (name === undefined) break;
      names.push(name);
    }
    // Record, both engines, record, answer.
    expect(names.length).toBeGreaterThanOrEqual(4);
    expect(names.filter((name) => name.startsWith('transaction')).length).toBeGreaterThan(1);
    // Both engines are at it, and go on, when the host that told them dies.
    const step = names.findLastIndex((name) => name.startsWith('engine '));
    expect(await tryDeath(change, states, { step, when: 'during' })).toMatch(/^engine /);
    if (change.isNeeded) await send(change.request);
  });
});
