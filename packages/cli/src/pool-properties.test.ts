// Goal:   a property of a pool does what it says: at once, and after an engine has started anew.
// Method: a server with one engine that keeps versions for a second; what is written over shows by
//         the space that is used.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type Container } from '@daos/client';
import { makeObjectId } from '@daos/model';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const VALUE = Buffer.alloc(MIB, 7);
/** Several rounds of the aggregation behind the time for which versions stay. */
const LONG_MS = 4000;

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
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function withContainer(
  pool: string,
  properties: string,
  action: (container: Container) => Promise<void>,
): Promise<void> {
  const sizes = ['--scm-size', '32MiB', '--nvme-size', '64MiB'];
  const { status, errors } = await dmg('pool', 'create', pool, ...sizes, '-P', properties);
  expect([status, errors]).toEqual([0, '']);
  await system.admin().call('createContainer', { params: { pool }, body: { label: 'box' } });
  await using openPool = await client.openPool(pool);
  await using container = await openPool.openContainer('box');
  await action(container);
  await dmg('pool', 'destroy', pool, '--recursive');
}

const objectOf = (container: Container) =>
  container.object(makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'S1' }));

async function usedMebibytes(pool: string): Promise<number> {
  const { targets } = await system.admin().call('queryPool', { params: { pool } });
  return Math.floor((targets[0]?.data.usedBytes ?? 0) / MIB);
}

async function writeOver(container: Container, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await objectOf(container).update('key', 'a', VALUE);
}

async function restartEngine(container: Container): Promise<void> {
  const [before = 0] = system.enginePids();
  process.kill(before, 'SIGKILL');
  await until(() => {
    const [now] = system.enginePids();
    return now !== undefined && now !== before ? now : undefined;
  });
  await until(async () =>
    (await outcomeOf(objectOf(container).fetch('key', 'a'))) === 'done' ? true : undefined,
  );
}

describe('cli/pool-properties', () => {
  test('reclaim:disabled keeps every version, also over a restart', async () => {
    await withContainer('kept', 'reclaim:disabled', async (container) => {
      await writeOver(container, 8);
      await pause(LONG_MS);
      expect(await usedMebibytes('kept')).toBe(8);
      await restartEngine(container);
      await pause(LONG_MS);
      expect(await usedMebibytes('kept')).toBe(8);
      const changed = await dmg('pool', 'set-prop', 'kept', 'reclaim:time');
      expect(changed.output).toMatch(/^reclaim +time$/m);
      await until(async () => ((await usedMebibytes('kept')) === 1 ? true : undefined));
    });
  });

  test('reclaim:lazy waits until nobody uses the pool', async () => {
    await withContainer('lazy', 'reclaim:lazy', async (container) => {
      await writeOver(container, 8);
      const busyUntilMs = performance.now() + LONG_MS;
      while (performance.now() < busyUntilMs) {
        await objectOf(container).fetch('key', 'b');
        await pause(50);
      }
      expect(await usedMebibytes('lazy')).toBe(8);
      await until(async () => ((await usedMebibytes('lazy')) === 1 ? true : undefined));
    });
  });

  test('reclaim:lazy does not wait when space runs out', async () => {
    await withContainer('tight', 'reclaim:lazy', async (container) => {
      await writeOver(container, 60);
      const isDropped = async () => {
        await objectOf(container).fetch('key', 'b');
        return (await usedMebibytes('tight')) < 58 ? true : undefined;
      };
      await until(isDropped);
    });
  });

  test('space_rb is left free by updates of either tier, and by no punch', async () => {
    await withContainer('spare', 'reclaim:disabled,space_rb:50%', async (container) => {
      const object = objectOf(container);
      let count = 0;
      const write = () => object.update(`key ${count}`, 'a', VALUE);
      while ((await outcomeOf(write())) === 'done') count++;
      expect(await outcomeOf(write())).toBe('DER_NOSPACE');
      await expect(write()).rejects.toThrow(/the pool keeps 50 % back/);
      // The area keeps a block for itself.
      expect([31, 32]).toContain(count);
      expect(await outcomeOf(object.update('small', 'a', Buffer.alloc(8)))).toBe('done');
      await dmg('pool', 'set-prop', 'spare', 'space_rb:100');
      expect(await outcomeOf(object.update('small', 'a', Buffer.alloc(8)))).toBe('DER_NOSPACE');
      expect(await outcomeOf(object.punchDkey('key 0'))).toBe('done');
      await dmg('pool', 'set-prop', 'spare', 'space_rb:0');
      expect(await outcomeOf(write())).toBe('done');
    });
  });

  test.each([
    ['reclaim:often', /reclaim/],
    ['space_rb:101', /space_rb/],
    ['space_rb:much', /'much' is not a share/],
    ['checkpoint:timed', /checkpoint/],
    ['label:x,reclaim:lazy', /by itself/],
  ])('%s is refused, and named', async (properties, named) => {
    await dmg('pool', 'create', 'plain', '--size', '64MiB');
    const { status, errors } = await dmg('pool', 'set-prop', 'plain', properties);
    expect([status, errors]).toEqual([EXIT_CODES.usage, expect.stringMatching(named)]);
    const { output } = await dmg('pool', 'get-prop', 'plain', 'reclaim,space_rb');
    expect(output).toMatch(/reclaim +time\nspace_rb +0/);
  });
});
