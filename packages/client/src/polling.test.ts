// Goal: while JavaScript's thread runs the client's loop itself, calls are answered whatever else
// the thread does, and everything else has its turn.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DaosError, makeObjectId } from '@daos/model';
import { startLoopback, type Loopback } from './loopback-fixture.js';

const OID = makeObjectId({ user: 5n, type: 'DKEY_UINT64', objectClass: 'S1' });
const SIZE = 512;

let loopback: Loopback;

beforeEach(async () => {
  loopback = await startLoopback({ transport: 'shm', spinMicroseconds: 20 });
});

afterEach(async () => {
  await loopback[Symbol.asyncDispose]();
});

const valueOf = (key: number): Uint8Array => new Uint8Array(SIZE).fill(key % 251);

function compute(forMs: number): void {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs);
}

test('calls are answered at any depth, and beside a thread that computes', async () => {
  const object = loopback.container.object(OID);
  const keys = Array.from({ length: 64 }, (_, key) => key);
  await Promise.all(keys.map((key) => object.update(BigInt(key), 'a', valueOf(key))));
  for (let round = 0; round < 200; ++round) {
    const wanted = keys.slice(0, 1 + ((round * 7) % keys.length));
    const answers = wanted.map((key) => object.fetch(BigInt(key), 'a'));
    // Longer than the core's thread waits for this one.
    if (round % 20 === 0) compute(4);
    const values = await Promise.all(answers);
    expect(wanted.filter((key) => Buffer.compare(values[key]!, valueOf(key)) !== 0)).toEqual([]);
    if (round % 25 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
  }
});

test('timers run while one call follows the other', async () => {
  const object = loopback.container.object(OID);
  await object.update(1n, 'a', valueOf(1));
  let tickCount = 0;
  const timer = setInterval(() => (tickCount += 1), 1);
  while (tickCount < 10) await object.fetch(1n, 'a');
  clearInterval(timer);
});

test('a client that is closed amid calls ends each of them, long before its deadline', async () => {
  const object = loopback.container.object(OID);
  await object.update(1n, 'a', valueOf(1));
  const calls = Array.from({ length: 64 }, () => object.fetch(1n, 'a'));
  await Promise.resolve();
  const beginMs = performance.now();
  const closing = loopback.client.close();
  const outcomes = await Promise.allSettled(calls);
  await closing;
  expect(performance.now() - beginMs).toBeLessThan(7_000); // of ten seconds
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') expect(outcome.value).toHaveLength(SIZE);
    else expect(outcome.reason).toBeInstanceOf(DaosError);
  }
});
