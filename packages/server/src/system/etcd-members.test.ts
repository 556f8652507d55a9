// Goal:   while members of etcd fall silent, one after another, whoever uses the store sees delays
//         and nothing else: no error, no change that is made twice, none that is made and said to
//         be refused.
// Method: a real cluster of three, of which one at a time is paused for longer than an attempt
//         takes; clients beside each other that count up keys of their own, each step conditional
//         on the one before.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EtcdStore } from '@daos/control/etcd-store';
import { EtcdCluster } from './etcd-cluster-fixture.js';

const MEMBER_COUNT = 3;
const COUNTERS_PER_CLIENT = 3;
const SILENCE_MS = 2500;
/** Between steps: the machine is to notice silence, not to be busy. */
const PAUSE_MS = 10;

let etcd: EtcdCluster;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  etcd = await EtcdCluster.start(MEMBER_COUNT);
});

afterAll(() => etcd[Symbol.asyncDispose]());

/** Steps until `isOver`; resolves with what the counter says at the end, and what it should. */
async function countUp(store: EtcdStore, key: string, isOver: () => boolean): Promise<number[]> {
  let modRevision = 0;
  let count = 0;
  while (!isOver()) {
    count += 1;
    const step = [{ put: key, value: String(count) }];
    const { succeeded, revision } = await store.txn([{ key, modRevision }], step);
    if (!succeeded) throw new Error(`step ${count} of ${key} was refused`);
    modRevision = revision;
    await sleep(PAUSE_MS);
  }
  const entry = await store.get(key);
  expect(entry?.modRevision).toBe(modRevision);
  return [Number(entry?.value), count];
}

describe('server/etcd-members', () => {
  test('silent members delay transactions, each of which is carried out once', async () => {
    const stores = await Promise.all(
      Array.from({ length: MEMBER_COUNT }, () =>
        EtcdStore.open({ endpoints: etcd.endpoints, prefix: '/count' }),
      ),
    );
    let isOver = false;
    const counters = stores.flatMap((store, client) =>
      Array.from({ length: COUNTERS_PER_CLIENT }, (_, i) =>
        countUp(store, `/${client}-${i}`, () => isOver),
      ),
    );
    const ended = Promise.all(counters);
    for (let member = 0; member < MEMBER_COUNT; member++) {
      etcd.pause(member);
      await Promise.race([ended, sleep(SILENCE_MS)]);
      etcd.resume(member);
      await sleep(SILENCE_MS / 5);
    }
    isOver = true;
    for (const [said, count] of await ended) expect(said).toBe(count);
    await Promise.all(stores.map((store) => store.close()));
  });
});
