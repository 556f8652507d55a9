// Goal:   wherever a whole server is killed while it creates, resizes or destroys a pool or a
//         container, the thing is whole or gone when it is back, and no space is taken by what is
//         not there: neither in its books nor in the directories of its engines.
// Method: a real daos-server with two engines that kills itself (SIGKILL) before, or in the midst
//         of, one step of a change, each step in turn; it is started anew on the same directory.
//         kill-step-fixture.ts counts the steps. Several control hosts are tried in
//         system/takeover.test.ts, engines that stay up also in crash-with-engines.test.ts, all
//         other life cycles in control/src/crash.test.ts.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { readRun } from './data/data-directory.js';
import type { Armed } from './kill-step-fixture.js';
import {
  CHANGES,
  lookAtPools,
  sendKeyed,
  type Change,
  type KeyedRequest,
  type PoolState,
} from './pool-changes-fixture.js';

const DIST = join(import.meta.dirname, '../dist');
const ENGINES = [0, 1];
// In memory: what is tried are steps, not disks.
const scratch = mkdtempSync('/dev/shm/daos-kill-');
const part = (name: string) => join(scratch, name);

let server: ChildProcess;
let control: ControlClient;

async function until<T>(find: () => T | undefined | false | Promise<T | undefined | false>) {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const found = await find();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${find.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Serves, with both engines joined, when it ends. */
async function start(): Promise<void> {
  const fixture = `file://${join(DIST, 'kill-step-fixture.js')}?armed=${part('armed')}`;
  const program = ['--import', fixture, join(DIST, 'daos-server.js')];
  server = spawn(process.execPath, [...program, 'start', '-c', part('server.yml')], {
    stdio: 'ignore',
  });
  const run = await until(() => {
    const found = readRun(part('data'));
    return found?.pid === server.pid && found;
  });
  control = new ControlClient({ url: run.url, timeoutMs: 120_000 });
}

beforeAll(async () => {
  const engine = '  - storage: { capacity: 1GiB, memory: 256MiB }\n    transports: [tcp]\n';
  writeFileSync(
    part('server.yml'),
    `data_directory: ${part('data')}\ncontrol: { port: 0, insecure: true }\n` +
      `engines:\n${engine.repeat(ENGINES.length)}`,
  );
  await start();
});

afterAll(async () => {
  server.kill('SIGKILL');
  await once(server, 'exit');
  rmSync(scratch, { recursive: true });
});

const look = () =>
  lookAtPools(
    control,
    ENGINES.map((rank) => join(part('data'), `engine${rank}`)),
  );

async function send(...requests: readonly KeyedRequest[]): Promise<void> {
  for (const request of requests) await sendKeyed(control.url, request, randomUUID());
}

/** The name of the step that it died at; undefined when it came to its end before. */
async function dieAt(request: KeyedRequest, armed: Omit<Armed, 'report'>) {
  const report = part('report');
  rmSync(report, { force: true });
  writeFileSync(part('armed'), JSON.stringify({ ...armed, report } satisfies Armed));
  const { pid } = server;
  const exit = once(server, 'exit');
  const failure: unknown = await send(request).then(
    () => undefined,
    (error: unknown) => error,
  );
  rmSync(part('armed'));
  if (!existsSync(report)) {
    expect([failure, pid]).toEqual([undefined, server.pid]);
    return undefined;
  }
  await exit;
  await start();
  return readFileSync(report, 'utf8');
}

/** Dies there, and checks what is left; takes it back where it came about. */
async function tryDeath(
  { request, undo }: Change,
  [before, after]: readonly PoolState[],
  armed: Omit<Armed, 'report'>,
): Promise<string | undefined> {
  const name = await dieAt(request, armed);
  const found = await look();
  const wanted = name === undefined ? [after] : [before, after];
  expect(wanted).toContainEqual(found);
  if (isDeepStrictEqual(found, after)) await send(...undo);
  return name;
}

describe('server: killed before and in the midst of each step', () => {
  test.each(CHANGES)(
    '$name',
    async (change) => {
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
      // Record, both engines, record: at the least.
      expect(names.length).toBeGreaterThanOrEqual(4);
      expect(names.filter((name) => name.startsWith('transaction')).length).toBeGreaterThan(1);
      // Both engines are at it when the last of them is told.
      const step = names.findLastIndex((name) => name.startsWith('engine '));
      expect(await tryDeath(change, states, { step, when: 'during' })).toMatch(/^engine /);
      if (change.isNeeded) await send(change.request);
    },
  );
});
