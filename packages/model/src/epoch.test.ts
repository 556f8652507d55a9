import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dateOf, EPOCH_MAX, epochOf } from './epoch.js';

describe('model/epoch', () => {
  test('time begins with 2021', () => {
    expect(epochOf(new Date('2021-01-01T00:00:00Z'))).toBe(0n);
    expect(epochOf(new Date('2021-01-01T00:00:00.001Z'))).toBe(1_000_000n);
    expect(() => epochOf(new Date('2020-12-31T23:59:59Z'))).toThrow(RangeError);
    expect(() => epochOf(new Date(Number.NaN))).toThrow(RangeError);
  });

  test('every millisecond comes back', () => {
    const dates = fc.date({
      min: new Date('2021-01-01'),
      max: new Date('2500-01-01'),
      noInvalidDate: true,
    });
    fc.assert(fc.property(dates, (date) => dateOf(epochOf(date)).getTime() === date.getTime()));
  });

  test('the date of an epoch is the millisecond it lies in', () => {
    const epochs = fc.bigInt({ min: 0n, max: 2n ** 63n });
    fc.assert(
      fc.property(epochs, (epoch) => {
        const first = epochOf(dateOf(epoch));
        return first <= epoch && epoch - first < 1_000_000n;
      }),
    );
  });

  test('the greatest epoch has no date', () => {
    expect(() => dateOf(EPOCH_MAX)).toThrow(RangeError);
    expect(() => dateOf(-1n)).toThrow(RangeError);
  });
});
