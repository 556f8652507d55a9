// Goal:   a program on a host whose clock is an hour off works, or is told that it is the clock.
// Method: a real server with certificates that were just made; dmg, and an agent, on a wall clock
//         of their own (native/testing/wall_clock).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { TestSystem, until } from './system-fixture.js';

const CLOCK = join(
  import.meta.dirname,
  '../../../build/native/testing/wall_clock/libdaos_wall_clock.so',
);
const DMG = join(import.meta.dirname, '../dist/dmg-main.js');
const AGENT = join(import.meta.dirname, '../../agent/dist/daos-agent.js');
const HOUR_S = 3600;

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start({ isSecure: true });
});
afterAll(() => system?.stop());

/** The library that sets the clock of whoever loads it. */
function clockOf(offsetS: number): string {
  const library = system.part(`clock${offsetS}.so`);
  copyFileSync(CLOCK, library);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(offsetS));
  writeFileSync(`${library}.offset`, bytes);
  return library;
}

const access = () => ['--control', system.url, '--certs', system.certificates];

function dmg(offsetS: number) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [DMG, ...access(), 'system', 'query'],
    { env: { ...process.env, LD_PRELOAD: clockOf(offsetS) } },
  );
  return { status, said: `${stdout.toString()}${stderr.toString()}` };
}

/** What a user is told by an agent on such a clock. */
async function listThroughAgent(offsetS: number): Promise<unknown> {
  const socket = system.part(`agent${offsetS}.sock`);
  const parameters = [AGENT, 'start', ...access(), '--socket', socket];
  const agent = spawn(process.execPath, parameters, {
    env: { ...process.env, LD_PRELOAD: clockOf(offsetS) },
    stdio: 'ignore',
  });
  try {
    await until(() => (existsSync(socket) ? true : undefined));
    const client = new ControlClient({ url: `unix:${socket}` });
    return await client.call('listPools').catch((error: unknown) => error);
  } finally {
    agent.kill('SIGKILL');
    await once(agent, 'exit');
  }
}

test('cli/wrong-clocks: an administrator an hour ahead works', () => {
  expect(dmg(HOUR_S)).toMatchObject({ status: 0 });
});

test('cli/wrong-clocks: one an hour behind new certificates is told of the clock', () => {
  const { status, said } = dmg(-HOUR_S);
  expect(status).not.toBe(0);
  expect(said).toMatch(/DER_NO_PERM.*not yet valid[^]*clocks/);
});

test.each([HOUR_S, -HOUR_S])('cli/wrong-clocks: an agent %p s off is told so', async (offsetS) => {
  const error = (await listThroughAgent(offsetS)) as { code: string; action?: string };
  expect(error).toMatchObject({ code: 'DER_NO_PERM' });
  expect(`${String(error)} ${error.action}`).toMatch(/clock/);
});
