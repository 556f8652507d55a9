import { describe, expect, test } from '@jest/globals';
import type { Activity } from './api.js';
import { percentile, ratesBetween } from './rates.js';

const activity = (timeMs: number, count: number, latencyCounts: number[]): Activity => ({
  timeMs,
  targets: [0, 1].map((rank) => ({
    rank,
    index: 0,
    operations: [
      { operation: 'update', count, failedCount: 0, bytes: 10 * count, latencyCounts },
      { operation: 'fetch', count: 0, failedCount: 0, bytes: 0, latencyCounts: [0, 0, 0, 0] },
    ],
  })),
});

describe('console/rates', () => {
  test('rates are over all targets and between two answers', () => {
    const rates = ratesBetween(activity(0, 10, [10, 0, 0, 0]), activity(2000, 30, [10, 0, 19, 1]));
    expect(rates).toEqual({
      ...{ updates: 20, fetches: 0, written: 200, read: 0 },
      ...{ updateP99: 8, fetchP99: 0 },
    });
  });

  test('of counts that fell, or of no time, nothing is said', () => {
    expect(ratesBetween(activity(0, 10, [10]), activity(1000, 3, [3]))).toBeUndefined();
    expect(ratesBetween(activity(5, 10, [10]), activity(5, 10, [10]))).toBeUndefined();
  });

  test.each([
    [[], 0],
    [[0, 0], 0],
    [[1], 1],
    [[99, 1], 1],
    [[98, 2], 2],
    [[0, 0, 0, 5], 8],
  ])('99 of 100 of %p lie under %p', (counts, expected) => {
    expect(percentile(counts, 0.99)).toBe(expected);
  });
});
