// From what targets have counted, read twice, to rates and latencies in between.

import type { Activity, Operation } from './api.js';

export interface Rates {
  /** Operations a second. */
  updates: number;
  fetches: number;
  /** Bytes a second. */
  written: number;
  read: number;
  /** Under which 99 of 100 lie, in microseconds; 0 when there were none. */
  updateP99: number;
  fetchP99: number;
}

/** Undefined when nothing can be said: counts that fall are those of an engine that began anew. */
export function ratesBetween(before: Activity, after: Activity): Rates | undefined {
  const seconds = (after.timeMs - before.timeMs) / 1000;
  if (!(seconds > 0)) return undefined;
  const update = difference(before, after, 'update');
  const fetch = difference(before, after, 'fetch');
  if (!update || !fetch) return undefined;
  return {
    updates: update.count / seconds,
    fetches: fetch.count / seconds,
    written: update.bytes / seconds,
    read: fetch.bytes / seconds,
    updateP99: percentile(update.latencyCounts, 0.99),
    fetchP99: percentile(fetch.latencyCounts, 0.99),
  };
}

type Sums = Pick<Operation, 'count' | 'bytes' | 'latencyCounts'>;

function difference(before: Activity, after: Activity, name: string): Sums | undefined {
  const [old, now] = [sumOf(before, name), sumOf(after, name)];
  if (now.count < old.count) return undefined;
  return {
    count: now.count - old.count,
    bytes: now.bytes - old.bytes,
    latencyCounts: now.latencyCounts.map((n, bucket) => n - (old.latencyCounts[bucket] ?? 0)),
  };
}

function sumOf({ targets }: Activity, name: string): Sums {
  const sum: Sums = { count: 0, bytes: 0, latencyCounts: [] };
  for (const one of targets.flatMap(({ operations }) => operations)) {
    if (one.operation !== name) continue;
    sum.count += one.count;
    sum.bytes += one.bytes;
    for (const [bucket, n] of one.latencyCounts.entries()) {
      sum.latencyCounts[bucket] = (sum.latencyCounts[bucket] ?? 0) + n;
    }
  }
  return sum;
}

/** The upper end of the bucket in which it lies, in microseconds. */
export function percentile(counts: readonly number[], share: number): number {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return 0;
  let seen = 0;
  for (const [bucket, n] of counts.entries()) {
    seen += n;
    if (seen >= total * share) return 2 ** bucket;
  }
  return 2 ** (counts.length - 1);
}
