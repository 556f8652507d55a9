// Goal:   a rank whose server is silent becomes suspect in time, and no other one: neither one that
//         has just joined, nor one that is being taken in, nor all of them because the host that
//         acts did not run for a while.
// Method: the real store; steady time is turned by hand, and the store may be slow to answer.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Clock } from '../clock.js';
import type { ControlContext } from '../control-context.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import type { MetadataStore, RangeOptions } from '../metadata/metadata-store.js';
import { RANK_LEASE_MS, RANK_RENEWAL_MS, RankLeases } from './rank-leases.js';
import { joinRank, listRanks, setRankState } from './rank-registry.js';

/** Time stands until `advance`, which waits for what it sets off. */
class HandClock implements Clock {
  nowMs = 1000;
  #tasks: { atMs: number; run: () => void }[] = [];

  monotonicMs = () => this.nowMs;
  wallMs = () => this.nowMs;

  schedule(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    this.#tasks.push(task);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== task);
    };
  }

  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#tasks.filter(({ atMs }) => atMs <= this.nowMs);
    this.#tasks = this.#tasks.filter((task) => !due.includes(task));
    for (const { run } of due) run();
    await settle();
  }
}

/** Until what was set off has been written: the store answers within a few turns. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await setImmediate();
}

let directory: string;
let store: LmdbStore;
let clock: HandClock;
let context: ControlContext;
let leases: RankLeases;
/** What a listing of ranks waits for before it answers. */
let listing: Promise<void>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'daos-leases-'));
  clock = new HandClock();
  store = LmdbStore.open({ directory });
  listing = Promise.resolve();
  const slowStore: MetadataStore = Object.assign(Object.create(store) as MetadataStore, {
    range: async (options: RangeOptions) => {
      const answer = await store.range(options);
      await listing;
      return answer;
    },
    get: (key: string) => store.get(key),
    txn: (...change: Parameters<MetadataStore['txn']>) => store.txn(...change),
  });
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  context = { store: slowStore, clock, log } as unknown as ControlContext;
  leases = new RankLeases(context);
  leases.start();
  for (const rank of [0, 1]) await joinAs(rank);
});

afterEach(async () => {
  leases.stop();
  await store.close();
  rmSync(directory, { recursive: true });
});

async function joinAs(rank: number): Promise<number> {
  const { incarnation } = await joinRank(context, {
    ...{ rank, host: `host${rank}`, faultDomain: `/host${rank}`, targetCount: 1 },
    ...{ storageCapacityBytes: 2 ** 30, memoryCapacityBytes: 2 ** 30, addresses: [[]] },
  });
  return incarnation;
}

async function states(): Promise<string[]> {
  return (await listRanks(context)).map(({ state }) => state);
}

/** Second by second; rank 0 renews all the time. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += RANK_RENEWAL_MS) {
    await leases.renew([{ rank: 0, incarnation: 1 }]);
    await clock.advance(RANK_RENEWAL_MS);
  }
}

describe('control/rank-leases', () => {
  test('a rank that is silent becomes suspect, one that renews does not', async () => {
    await pass(RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    await pass(2 * RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'suspect']);
    expect(await leases.renew([{ rank: 1, incarnation: 1 }])).toEqual([1]);
  });

  test('what was silent is not held against a rank that has joined since', async () => {
    await pass(RANK_LEASE_MS + RANK_RENEWAL_MS);
    await joinAs(1);
    await pass(RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    await pass(2 * RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'suspect']);
  });

  test('a check that has read an old record leaves a rank alone that joins meanwhile', async () => {
    await pass(RANK_LEASE_MS);
    let answer = () => {};
    listing = new Promise((resolve) => (answer = resolve));
    await clock.advance(RANK_RENEWAL_MS);
    await setRankState(context, 1, 'stopped');
    await joinAs(1);
    answer();
    await settle();
    expect(await states()).toEqual(['joined', 'joined']);
  });

  test('a rank whose pools take long to open is not silent', async () => {
    let opened = () => {};
    const opening = new Promise<void>((resolve) => (opened = resolve));
    const joining = leases.whileJoining(1, () => opening);
    await pass(4 * RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    opened();
    await joining;
    await pass(RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    await pass(2 * RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'suspect']);
  });

  test('a host that did not run for a while suspects nobody for that', async () => {
    await pass(2 * RANK_RENEWAL_MS);
    await clock.advance(10 * RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    await pass(RANK_LEASE_MS);
    expect(await states()).toEqual(['joined', 'suspect']);
  });

  test('renewals that wait for a store that does not answer are no silence', async () => {
    await pass(2 * RANK_RENEWAL_MS);
    let answer = () => {};
    listing = new Promise((resolve) => (answer = resolve));
    await clock.advance(RANK_RENEWAL_MS);
    const waiting = [0, 1].map((rank) => leases.renew([{ rank, incarnation: 1 }]));
    await clock.advance(RANK_LEASE_MS + RANK_RENEWAL_MS);
    listing = Promise.resolve();
    answer();
    await settle();
    expect(await Promise.all(waiting)).toEqual([[], []]);
    await pass(3 * RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'joined']);
  });

  test('nor is the time of a store that refuses', async () => {
    await pass(2 * RANK_RENEWAL_MS);
    listing = Promise.reject(new Error('no leader'));
    for (let i = 0; i < 10; i++) await clock.advance(RANK_RENEWAL_MS);
    listing = Promise.resolve();
    await clock.advance(RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'joined']);
    await pass(RANK_LEASE_MS + RANK_RENEWAL_MS);
    expect(await states()).toEqual(['joined', 'suspect']);
  });
});
