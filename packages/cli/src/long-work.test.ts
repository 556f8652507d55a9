// Goal:   work that takes longer than a request may take comes to its end, is watched, is told of
//         when it fails, and goes on when its command is killed.
// Method: a real server whose engine takes its time over some steps; a client that gives up on a
//         request sooner than that; the program dmg, killed in between.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient, ControlHosts } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { makeDmg } from './dmg.js';
import { TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const STEP_MS = 5000;
const DMG = join(import.meta.dirname, '../dist/dmg-main.js');
const SLOW_STEP = join(import.meta.dirname, '../../server/dist/slow-step-fixture.js');

let system: TestSystem;
beforeAll(async () => {
  const preload = `file://${SLOW_STEP}?methods=resizePool,createContainer&ms=${STEP_MS}`;
  system = await TestSystem.start({ isSecure: true, preload });
  await dmg('pool', 'create', 'tank', '--scm-size', '32MiB', '--nvme-size', '64MiB');
});
afterAll(async () => system?.stop());

const dmg = (...parameters: string[]) => system.run(makeDmg, parameters);
const sizeOf = async () =>
  (await system.admin().call('queryPool', { params: { pool: 'tank' } })).sizeBytes / MIB;

describe('cli/long-work', () => {
  test('it outlives the time that a request may take, and says how far it is', async () => {
    const heard: string[] = [];
    let shown = '';
    const cli = makeDmg({
      environment: {},
      write: (text) => heard.push(text.toString()),
      writeError: (text) => heard.push(text),
      writeProgress: (text) => void (shown += text),
    });
    const access = ['--control', system.url, '--certs', system.certificates];
    const status = await cli.run([...access, 'pool', 'resize', 'tank', '--nvme-size', '80MiB']);
    expect([status, heard.join('')]).toEqual([0, 'pool tank has 112.0 MiB now\n']);
    expect(shown).toContain('0 of 1 engines');
  });

  test('a client that gives up on requests sooner has it done once', async () => {
    const certificates = readCertificates(system.certificates, 'admin');
    const client = new ControlClient({ url: system.url, certificates, timeoutMs: 3000 });
    const body = { dataSizePerRank: 64 * MIB };
    const startedMs = performance.now();
    await client.call('resizePool', { params: { pool: 'tank' }, body });
    const tookMs = performance.now() - startedMs;
    expect([await sizeOf(), tookMs >= STEP_MS, tookMs < 2 * STEP_MS]).toEqual([96, true, true]);
  });

  test('it goes on when its command is killed, is seen, and can be asked for again', async () => {
    const access = ['--control', system.url, '--certs', system.certificates];
    const resize = ['pool', 'resize', 'tank', '--nvme-size', '72MiB'];
    const child = spawn(process.execPath, [DMG, ...access, ...resize], { stdio: 'ignore' });
    const seen = await until(async () => {
      const { output } = await dmg('pool', 'query', 'tank');
      return output.includes('Being resized') ? output : undefined;
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(seen).toMatch(/Being resized: +to 104.0 MiB/);
    const again = await dmg(...resize);
    expect([again.status, again.output]).toEqual([0, 'pool tank has 104.0 MiB now\n']);
  });

  test('through an agent it is watched as well', async () => {
    const hosts = new ControlHosts({ urls: [system.clientControl], timeoutMs: STEP_MS / 2 });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'box' };
    const body = JSON.stringify({ label: 'box' });
    const request = { method: 'POST', headers: { ...headers, prefer: 'wait=1' }, body };
    await dmg('pool', 'update-acl', 'tank', '--entry', 'A::EVERYONE@:rwct');
    let underWayCount = 0;
    for (;;) {
      const answer = await hosts.send('/v1/pools/tank/containers', request);
      if (!answer.isUnderWay) break;
      underWayCount += 1;
    }
    expect(underWayCount).toBeGreaterThan(2);
    expect((await dmg('container', 'query', 'tank', 'box')).status).toBe(0);
  });

  test('what it fails of is told, however late', async () => {
    const resizing = dmg('pool', 'resize', 'tank', '--nvme-size', '80MiB');
    await sleep(STEP_MS / 2);
    expect((await dmg('system', 'stop')).status).toBe(0);
    const { status, errors } = await resizing;
    expect([status, errors]).toEqual([4, expect.stringContaining('DER_UNREACH')]);
  });
});
