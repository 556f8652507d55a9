import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../clock.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import { ANSWER_LIFE_MS, AnsweredRequests } from './answered-requests.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-answers-'));
const store = LmdbStore.open({ directory: scratch });
afterAll(async () => {
  await store.close();
  rmSync(scratch, { recursive: true });
});

describe('control/answered-requests', () => {
  let nowMs = 0;
  let runCount = 0;
  let answers: AnsweredRequests;
  let keyCount = 0;
  let key = '';
  const clock: Clock = { ...systemClock, wallMs: () => nowMs };
  const run = async () => ({ run: ++runCount });

  beforeEach(() => {
    answers = new AnsweredRequests(clock);
    runCount = 0;
    key = `key ${keyCount++}`;
  });

  test('a repeated request is answered, not carried out, also by the next process', async () => {
    expect(await answers.once(store, key, ['DELETE', '/p'], run)).toEqual({ run: 1 });
    expect(await answers.once(store, key, ['DELETE', '/p'], run)).toEqual({ run: 1 });
    const restarted = new AnsweredRequests(clock);
    expect(await restarted.once(store, key, ['DELETE', '/p'], run)).toEqual({ run: 1 });
    expect(runCount).toBe(1);
  });

  test('requests that come together are carried out once', async () => {
    const once = () => answers.once(store, key, ['POST', '/p'], run);
    const together = Array.from({ length: 10 }, once);
    expect(new Set((await Promise.all(together)).map((a) => JSON.stringify(a))).size).toBe(1);
    expect(runCount).toBe(1);
  });

  test('a key with another request is refused', async () => {
    await answers.once(store, key, ['POST', '/p', { size: 1 }], run);
    const other = answers.once(store, key, ['POST', '/p', { size: 2 }], run);
    await expect(other).rejects.toMatchObject({ code: 'DER_INVAL' });
  });

  test('a failure is not kept', async () => {
    const fail = async () => Promise.reject(new Error('away'));
    await expect(answers.once(store, key, ['POST'], fail)).rejects.toThrow('away');
    expect(await answers.once(store, key, ['POST'], run)).toEqual({ run: 1 });
  });

  test('answers are forgotten after a day', async () => {
    for (let i = 0; i < 20; i++) await answers.once(store, `${key} ${i}`, ['POST'], run);
    nowMs += ANSWER_LIFE_MS;
    for (let i = 0; i < 5; i++) await answers.once(store, `${key} late ${i}`, ['POST'], run);
    const { entries } = await store.range({ prefix: '/answers/' });
    expect(entries).toHaveLength(5);
    await answers.once(store, `${key} 3`, ['POST'], run);
    expect(runCount).toBe(26);
  });
});
