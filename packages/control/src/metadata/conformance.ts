// What every driver of the metadata store must do, as a suite that a driver's test runs against
// real storage.
//
// Goal:   the control plane behaves the same on LMDB and on etcd.
// Method: each case opens an empty store by the driver's own means; nothing here knows which driver
//         it is.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { METADATA_KEY_SIZE_MAX, METADATA_VALUE_SIZE_MAX } from './limits.js';
import type { MetadataStore, WatchEvent } from './metadata-store.js';

/** No machine is that slow. */
const LEASE_TTL_MS_TRIED_MAX = 30_000;

export interface ConformanceDriver {
  /** An empty store; the previous case has disposed of its own. */
  open(): Promise<MetadataStore>;
  /** The same store opened anew, as after a restart of the control service. */
  reopen(store: MetadataStore): Promise<MetadataStore>;
  /** Least time to live that the driver honours. */
  readonly leaseTtlMs: number;
}

/** Declares the suite under `name`. */
export function describeMetadataStore(name: string, driver: ConformanceDriver): void {
  describe(name, () => {
    let store: MetadataStore;
    beforeEach(async () => {
      store = await driver.open();
    });
    afterEach(() => store.close());

    const context = { store: () => store, driver, replace: (s: MetadataStore) => (store = s) };
    describeTransactions(context);
    describeRanges(context);
    describeWatches(context);
    describeLeases(context);
  });
}

interface Context {
  store(): MetadataStore;
  replace(store: MetadataStore): void;
  readonly driver: ConformanceDriver;
}

const put = (key: string, value = key) => ({ put: key, value });
const absent = (key: string) => ({ key, modRevision: 0 });

function describeTransactions({ store, driver, replace }: Context): void {
  test('a key reads back with its revisions', async () => {
    const first = await store().txn([], [put('/a', '1')]);
    const second = await store().txn([], [put('/a', '2')]);
    expect(second.revision).toBe(first.revision + 1);
    expect(await store().get('/a')).toMatchObject({
      key: '/a',
      value: '2',
      createRevision: first.revision,
      modRevision: second.revision,
    });
    expect(await store().get('/b')).toBeUndefined();
  });

  test('a failed condition changes nothing', async () => {
    const { revision } = await store().txn([absent('/a')], [put('/a', '1')]);
    const result = await store().txn([absent('/a')], [put('/a', '2'), put('/b')]);
    expect(result).toEqual({ succeeded: false, revision });
    expect((await store().get('/a'))?.value).toBe('1');
    expect(await store().get('/b')).toBeUndefined();
  });

  test('of many writers that compare and set one key, one wins each step', async () => {
    await store().txn([], [put('/counter', '0')]);
    const increment = async () => {
      for (;;) {
        const entry = await store().get('/counter');
        const next = String(Number(entry?.value) + 1);
        const condition = { key: '/counter', modRevision: entry?.modRevision ?? 0 };
        if ((await store().txn([condition], [put('/counter', next)])).succeeded) return;
      }
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    expect((await store().get('/counter'))?.value).toBe('20');
  });

  test('all changes of a transaction carry one revision', async () => {
    await store().txn([], [put('/gone')]);
    const { revision } = await store().txn([], [put('/a'), put('/b'), { delete: '/gone' }]);
    expect((await store().get('/a'))?.modRevision).toBe(revision);
    expect((await store().get('/b'))?.modRevision).toBe(revision);
    expect(await store().get('/gone')).toBeUndefined();
  });

  test('a transaction that only compares leaves the revision alone', async () => {
    const { revision } = await store().txn([], [put('/a')]);
    expect(await store().txn([absent('/none')], [])).toEqual({ succeeded: true, revision });
    expect(await store().txn([absent('/a')], [])).toEqual({ succeeded: false, revision });
    expect(await store().txn([], [{ delete: '/none' }])).toMatchObject({ succeeded: true });
  });

  test('what was acknowledged is there after a restart', async () => {
    const { revision } = await store().txn([], [put('/a', '1')]);
    replace(await driver.reopen(store()));
    expect(await store().get('/a')).toMatchObject({ value: '1', modRevision: revision });
    expect((await store().txn([], [put('/b')])).revision).toBe(revision + 1);
  });

  test('bad keys, values and transactions are refused by name', async () => {
    const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;
    await expect(store().txn([], [put('')])).rejects.toEqual(refused('DER_INVAL'));
    await expect(store().get('a\0b')).rejects.toEqual(refused('DER_INVAL'));
    const longKey = 'k'.repeat(METADATA_KEY_SIZE_MAX + 1);
    await expect(store().txn([], [put(longKey, '')])).rejects.toEqual(refused('DER_OVERFLOW'));
    const longValue = 'v'.repeat(METADATA_VALUE_SIZE_MAX + 1);
    await expect(store().txn([], [put('/a', longValue)])).rejects.toEqual(refused('DER_OVERFLOW'));
    await expect(store().txn([], [put('/a'), put('/a')])).rejects.toEqual(refused('DER_INVAL'));
  });

  test('the longest key and an empty value are taken', async () => {
    const key = 'k'.repeat(METADATA_KEY_SIZE_MAX);
    await store().txn([], [put(key, '')]);
    expect((await store().get(key))?.value).toBe('');
  });

  test('a closed store says so', async () => {
    await store().close();
    const closed = expect.objectContaining({ code: 'DER_SHUTDOWN' }) as unknown as Error;
    await expect(store().get('/a')).rejects.toEqual(closed);
    await expect(store().txn([], [put('/a')])).rejects.toEqual(closed);
  });
}

function describeRanges({ store }: Context): void {
  test('a range holds the keys of its prefix in order and nothing else', async () => {
    const keys = ['/a', '/p', '/p/1', '/p/10', '/p/2', '/p/\u00e4', '/p/\u{1f600}', '/q'];
    await store().txn(
      [],
      [...keys].reverse().map((key) => put(key)),
    );
    const { entries } = await store().range({ prefix: '/p/' });
    expect(entries.map((e) => e.key)).toEqual(keys.slice(2, 7));
    expect((await store().range({ prefix: '/none' })).entries).toEqual([]);
  });

  test('pages of a range join without gap or repetition', async () => {
    const keys = Array.from({ length: 25 }, (_, i) => `/p/${String(i).padStart(2, '0')}`);
    await store().txn(
      [],
      keys.map((key) => put(key)),
    );
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const page = { prefix: '/p/', limit: 7, ...(after !== undefined && { after }) };
      const { entries } = await store().range(page);
      if (entries.length === 0) break;
      found.push(...entries.map((e) => e.key));
      after = found.at(-1);
    }
    expect(found).toEqual(keys);
  });
}

function describeWatches({ store, driver, replace }: Context): void {
  test('a watch reports puts and deletes of its prefix in order', async () => {
    const watch = take(store().watch({ prefix: '/w/' }), 3);
    await store().txn([], [put('/w/a', '1'), put('/other')]);
    await store().txn([], [put('/w/a', '2')]);
    const { revision } = await store().txn([], [{ delete: '/w/a' }]);
    const events = await watch;
    expect(events.map(brief)).toEqual(['put /w/a 1', 'put /w/a 2', 'delete /w/a']);
    expect(events[2]).toMatchObject({ modRevision: revision });
  });

  test('a range and a watch after its revision miss nothing', async () => {
    await store().txn([], [put('/w/a', '1')]);
    const { revision } = await store().range({ prefix: '/w/' });
    await store().txn([], [put('/w/b', '2')]);
    replace(await driver.reopen(store()));
    const watch = take(store().watch({ prefix: '/w/', afterRevision: revision }), 2);
    await store().txn([], [put('/w/c', '3')]);
    expect((await watch).map(brief)).toEqual(['put /w/b 2', 'put /w/c 3']);
  });

  test('an aborted watch ends', async () => {
    const abort = new AbortController();
    const watch = take(store().watch({ prefix: '/w/', signal: abort.signal }), 1);
    abort.abort();
    expect(await watch).toEqual([]);
  });

  test('a watch ends when the store closes', async () => {
    const watch = take(store().watch({ prefix: '/w/' }), 1);
    await store().close();
    expect(await watch).toEqual([]);
  });
}

function describeLeases({ store, driver, replace }: Context): void {
  const ttlMs = driver.leaseTtlMs;

  test('the keys of a lease that is not renewed go', async () => {
    const lease = await store().lease(ttlMs);
    const watch = take(store().watch({ prefix: '/l/' }), 2);
    await store().txn([], [{ ...put('/l/a'), leaseId: lease.id }, put('/kept')]);
    expect((await watch).map(brief)).toEqual(['put /l/a /l/a', 'delete /l/a']);
    expect(await store().get('/kept')).toBeDefined();
    await expect(lease.keepAlive()).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('a renewed lease keeps its keys', async () => {
    await patiently(ttlMs, async (ttlMs, renewed) => {
      const lease = await store().lease(ttlMs);
      await store().txn([], [{ ...put('/l/a'), leaseId: lease.id }]);
      const end = performance.now() + 2.5 * ttlMs;
      while (performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, ttlMs / 5));
        await lease.keepAlive();
        renewed();
      }
      expect(await store().get('/l/a')).toMatchObject({ leaseId: lease.id });
      await lease.revoke();
    });
  });

  test('revoking a lease deletes its keys at once, and only those it still has', async () => {
    const lease = await store().lease(60_000);
    await store().txn(
      [],
      [
        { ...put('/l/a'), leaseId: lease.id },
        { ...put('/l/b'), leaseId: lease.id },
      ],
    );
    await store().txn([], [put('/l/b', 'without lease')]);
    await lease.revoke();
    await lease.revoke();
    expect((await store().range({ prefix: '/l/' })).entries.map((e) => e.key)).toEqual(['/l/b']);
    const late = store().txn([], [{ ...put('/l/c'), leaseId: lease.id }]);
    await expect(late).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('a lease outlives a restart of the service and then expires', async () => {
    await patiently(ttlMs, async (ttlMs) => {
      const lease = await store().lease(ttlMs);
      const { revision } = await store().txn([], [{ ...put('/l/a'), leaseId: lease.id }]);
      replace(await driver.reopen(store()));
      expect(await store().get('/l/a')).toBeDefined();
      const watch = take(store().watch({ prefix: '/l/', afterRevision: revision }), 1);
      expect((await watch).map(brief)).toEqual(['delete /l/a']);
    });
  });
}

/**
 * Again with a longer lease where `run` failed and the machine was the reason: longer than the
 * lease lasted passed before `run`, or its last renewal, was done.
 */
async function patiently(
  leaseTtlMs: number,
  run: (ttlMs: number, renewed: () => void) => Promise<void>,
): Promise<void> {
  for (let ttlMs = leaseTtlMs; ; ttlMs *= 4) {
    let lastMs = performance.now();
    let longestMs = 0;
    const renewed = () => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    };
    try {
      return await run(ttlMs, renewed);
    } catch (error) {
      renewed();
      if (longestMs < ttlMs || ttlMs > LEASE_TTL_MS_TRIED_MAX) throw error;
    }
  }
}

/** The first `count` events, or fewer when the watch ends before. */
async function take(watch: AsyncIterable<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of watch) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

function brief(event: WatchEvent): string {
  if (event.type === 'delete') return `delete ${event.key}`;
  return `put ${event.entry.key} ${event.entry.value}`;
}
