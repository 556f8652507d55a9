// Goal:   a server whose wall clock jumps an hour, either way, loses nothing and repeats nothing:
//         its ranks stay, what was written reads back, writes get later epochs, handles stay open,
//         and requests are answered as they were; also when the engine starts anew on such a clock.
// Method: a real server with a real engine, both on a wall clock that the test moves while they
//         run (native/testing/wall_clock).
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, textOf, type Container, type DaosObject, type Pool } from '@daos/client';
import { makeObjectId } from '@daos/model';
import { TestSystem, until } from './system-fixture.js';

const CLOCK = join(
  import.meta.dirname,
  '../../../build/native/testing/wall_clock/libdaos_wall_clock.so',
);
const HOUR_MS = 3_600_000;
const MIB = 2 ** 20;
const scratch = mkdtempSync(join(tmpdir(), 'daos-jumps-'));
const library = join(scratch, 'wall-clock.so');
const offsetFile = `${library}.offset`;

let system: TestSystem;
let client: Client;
let pool: Pool;
let container: Container;
let object: DaosObject;

/** Of the server and its engine, from now on. */
function setClock(offsetMs: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(offsetMs / 1000));
  // In place: they have it mapped.
  writeFileSync(offsetFile, bytes, { flag: existsSync(offsetFile) ? 'r+' : 'w' });
}

beforeAll(async () => {
  setClock(0);
  copyFileSync(CLOCK, library);
  system = await TestSystem.start({ library });
  const admin = system.admin();
  await admin.call('createPool', { body: { label: 'p', size: 256 * MIB } });
  await admin.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
  client = await Client.connect({ control: system.url });
  pool = await client.openPool('p');
  container = await pool.openContainer('c');
  object = container.object(makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }));
});

afterAll(async () => {
  await container?.close();
  await pool?.close();
  await client?.close();
  await system?.stop();
  rmSync(scratch, { recursive: true });
});

const states = async () => (await system.admin().call('listRanks')).ranks.map((one) => one.state);

/** With a key of its own, whatever the answer. */
async function create(label: string, key: string): Promise<{ createdMs?: number }> {
  const response = await fetch(`${system.url}/v1/pools/p/containers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ label }),
  });
  return (await response.json()) as { createdMs?: number };
}

async function restartEngine(): Promise<void> {
  const [pid = 0] = system.enginePids();
  process.kill(pid, 'SIGKILL');
  await until(() => system.enginePids().find((one) => one !== pid));
  await until(async () => (await states()).every((state) => state === 'joined') || undefined);
}

test.each([
  ['forward', HOUR_MS],
  ['backward', -HOUR_MS],
])('cli/clock-jumps: an hour %s', async (name, offsetMs) => {
  setClock(0);
  const before = await object.update(name, 'a', 'before');
  const body = { name: `${name}-pinned` };
  const { epoch } = await system
    .admin()
    .call('createSnapshot', { params: { pool: 'p', container: 'c' }, body });
  const answer = await create(`${name}-box`, name);

  setClock(offsetMs);
  const made = await create(`${name}-meanwhile`, `${name} meanwhile`);
  const seenMs = (made.createdMs ?? 0) - Date.now();
  expect(Math.abs(seenMs - offsetMs)).toBeLessThan(HOUR_MS / 2);
  expect(await create(`${name}-box`, name)).toEqual(answer);
  expect(await states()).toEqual(['joined']);
  const after = await object.update(name, 'a', 'after');
  expect(after).toBeGreaterThan(before);
  expect(textOf(await object.fetch(name, 'a'))).toBe('after');
  await (await pool.openContainer(`${name}-box`)).close();

  await restartEngine();
  expect(textOf(await object.fetch(name, 'a'))).toBe('after');
  const later = await object.update(name, 'a', 'later');
  expect(later).toBeGreaterThan(after);

  setClock(0);
  expect(await object.update(name, 'a', 'back')).toBeGreaterThan(later);
  expect(textOf(await object.fetch(name, 'a'))).toBe('back');
  await using pinned = await pool.openContainer('c', { snapshot: BigInt(epoch), readOnly: true });
  const old = pinned.object(makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }));
  expect(textOf(await old.fetch(name, 'a'))).toBe('before');
  expect(await states()).toEqual(['joined']);
});
