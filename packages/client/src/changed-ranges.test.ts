import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changedRanges } from './changed-ranges.js';

const range = (index: number, count: number, epoch: number) => ({
  ...{ index: BigInt(index), count: BigInt(count), epoch: BigInt(epoch) },
});

/** The state of a small array, record by record, as its extents. */
function extentsOf(epochs: readonly number[]) {
  const extents: ReturnType<typeof range>[] = [];
  epochs.forEach((epoch, index) => {
    const last = extents.at(-1);
    if (epoch === 0) return;
    if (last && last.epoch === BigInt(epoch) && last.index + last.count === BigInt(index)) {
      last.count += 1n;
    } else {
      extents.push(range(index, 1, epoch));
    }
  });
  return extents;
}

describe('client/changed-ranges', () => {
  test('what was written over, added and punched, in one range where it is adjacent', () => {
    const before = [range(0, 100, 5), range(200, 10, 6)];
    const after = [range(0, 10, 5), range(10, 10, 8), range(20, 80, 5), range(100, 5, 9)];
    expect(changedRanges(before, after)).toEqual([
      { index: 10n, count: 10n },
      { index: 100n, count: 5n },
      { index: 200n, count: 10n },
    ]);
    expect(changedRanges(before, before)).toEqual([]);
    expect(changedRanges([], after)).toEqual([{ index: 0n, count: 105n }]);
    const last = range(2, 1, 1);
    last.index = 2n ** 64n - 2n;
    expect(changedRanges([], [last])).toEqual([{ index: last.index, count: 1n }]);
  });

  test('records are in a range if, and only if, their epochs differ', () => {
    const state = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(state, state, (before, after) => {
        const ranges = changedRanges(extentsOf(before), extentsOf(after));
        const changed = before.map((epoch, i) => epoch !== after[i]);
        const told = before.map((_, i) =>
          ranges.some(({ index, count }) => index <= BigInt(i) && BigInt(i) < index + count),
        );
        expect(told).toEqual(changed);
      }),
    );
  });
});
