// Goal:   a difference costs what changed and a look at the names beside it, not a call for each.
// Method: many names, of which a few change; the engine counts what it is asked.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { textOf, type Difference } from './index.js';
import { startLoopback, type Loopback } from './loopback-fixture.js';

const NAME_COUNT = 100_000;
const CHANGED_COUNT = 10;

let system: Loopback;
beforeAll(async () => {
  system = await startLoopback();
});
afterAll(async () => system[Symbol.asyncDispose]());

async function callsSoFar(): Promise<number> {
  const metrics = await system.engine.poolMetrics(system.directory.poolUuid);
  return metrics
    .flatMap(({ operations }) => operations)
    .reduce((sum, { count }) => sum + count, 0);
}

test('client/diff: ten of 100,000 names are found by few calls', async () => {
  const oid = makeObjectId({ user: 1n, type: 'KV_HASHED', objectClass: 'SX' });
  const names = system.container.keyValue(oid);
  for (let at = 0; at < NAME_COUNT; at += 1000) {
    const some = Array.from({ length: 1000 }, (_, i) => `name${at + i}`);
    await Promise.all(some.map((name) => names.put(name, 'value')));
  }
  const before = await names.put('last', 'value');
  const changed: string[] = [];
  for (let i = 0; i < CHANGED_COUNT; ++i) changed.push(`name${i * (NAME_COUNT / CHANGED_COUNT)}`);
  for (const name of changed) await names.put(name, 'other');
  await names.remove('last');

  const callsBefore = await callsSoFar();
  const found: Difference[] = [];
  for await (const difference of system.container.diff(before)) found.push(difference);
  const calls = (await callsSoFar()) - callsBefore;

  const shown = found.map(({ change, dkey }) => `${change} ${textOf(dkey as Uint8Array)}`);
  const expected = [...changed.map((name) => `changed ${name}`), 'removed last'];
  expect(shown.sort()).toEqual(expected.sort());
  // Names are looked at some thousands a call, once for each of the two states.
  expect(calls).toBeLessThan(NAME_COUNT / 500);
  expect(calls).toBeGreaterThan(CHANGED_COUNT);
});
