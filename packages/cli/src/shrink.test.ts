// Goal:   a pool shrinks to what is used, wherever that lies, beneath readers and writers; killed
//         in between it has one of the two sizes and all of its data.
// Method: a server with one engine; values at the end of the area, those before them deleted.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type Container } from '@daos/client';
import { makeObjectId } from '@daos/model';
import { makeDmg } from './dmg.js';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const COUNT = 60;
const KEPT = 10;

let system: TestSystem;
let client: Client;

beforeAll(async () => {
  system = await TestSystem.start({ historySeconds: 1 });
  client = await Client.connect({ control: system.clientControl });
});
afterAll(async () => {
  await client?.close();
  await system?.stop();
});

const dmg = (...parameters: string[]) => system.run(makeDmg, parameters);
const valueOf = (number: number) => Buffer.alloc(MIB, number);
const objectOf = (container: Container) =>
  container.object(makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }));

async function dataOf(pool: string) {
  const { targets } = await system.admin().call('queryPool', { params: { pool } });
  return targets[0]?.data ?? { usedBytes: 0, totalBytes: 0 };
}

/** Of 64 MiB, with data in the last ten alone. */
async function withPool(
  pool: string,
  action: (container: Container) => Promise<void>,
): Promise<void> {
  await dmg('pool', 'create', pool, '--scm-size', '32MiB', '--nvme-size', '64MiB');
  await system.admin().call('createContainer', { params: { pool }, body: { label: 'box' } });
  await using openPool = await client.openPool(pool);
  await using container = await openPool.openContainer('box');
  const object = objectOf(container);
  for (let i = 0; i < COUNT; i++) await object.update(`key ${i}`, 'a', valueOf(i));
  for (let i = 0; i < COUNT - KEPT; i++) await object.punchDkey(`key ${i}`);
  await until(async () => ((await dataOf(pool)).usedBytes <= KEPT * MIB ? true : undefined));
  await action(container);
  await dmg('pool', 'destroy', pool, '--recursive');
}

async function expectKept(container: Container): Promise<void> {
  for (let i = COUNT - KEPT; i < COUNT; i++) {
    const found = await objectOf(container).fetch(`key ${i}`, 'a');
    expect([i, found && valueOf(i).equals(found)]).toEqual([i, true]);
  }
}

describe('cli/shrink', () => {
  test('data at the end goes to the front, and the pool is used meanwhile', async () => {
    await withPool('tank', async (container) => {
      let isDone = false;
      const shrinking = dmg('pool', 'resize', 'tank', '--nvme-size', '12MiB').finally(() => {
        isDone = true;
      });
      let writeCount = 0;
      while (!isDone) {
        const number = COUNT - KEPT + (writeCount % KEPT);
        await objectOf(container).fetch(`key ${number}`, 'a');
        await objectOf(container).update('small', 'a', Buffer.from(String(++writeCount)));
      }
      expect((await shrinking).errors).toBe('');
      expect((await dataOf('tank')).totalBytes).toBeLessThan(12 * MIB);
      await expectKept(container);
      const last = await objectOf(container).fetch('small', 'a');
      expect(Buffer.from(last ?? []).toString()).toBe(String(writeCount));
      const refused = await dmg('pool', 'resize', 'tank', '--nvme-size', '9MiB');
      expect(refused.errors).toMatch(/can't be cut to 9437184 bytes: \d+ bytes of data lie in it/);
      expect((await dmg('pool', 'resize', 'tank', '--nvme-size', '64MiB')).errors).toBe('');
      await expectKept(container);
    });
  });

  test.each([5, 20, 60])('an engine killed after %i ms of it loses nothing', async (delayMs) => {
    await withPool('cut', async (container) => {
      const shrinking = dmg('pool', 'resize', 'cut', '--nvme-size', '12MiB');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const [before = 0] = system.enginePids();
      process.kill(before, 'SIGKILL');
      await shrinking;
      await until(async () =>
        (await outcomeOf(objectOf(container).fetch('key 59', 'a'))) === 'done' ? true : undefined,
      );
      await expectKept(container);
      await until(async () => {
        const { status } = await dmg('pool', 'resize', 'cut', '--nvme-size', '12MiB');
        return status === 0 ? true : undefined;
      });
      await expectKept(container);
      expect((await dataOf('cut')).totalBytes).toBeLessThan(12 * MIB);
    });
  });
});
