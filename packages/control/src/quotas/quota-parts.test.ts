import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { divide, equalParts } from './quota-parts.js';

const amount = fc.integer({ min: 0, max: 1_000_000 });
const needs = fc.array(fc.record({ used: amount, wanted: amount }), {
  minLength: 1,
  maxLength: 20,
});
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

describe('control/quota-parts', () => {
  test('parts never exceed the quota or fall below what is used, and nothing is left over', () => {
    fc.assert(
      fc.property(amount, needs, (left, all) => {
        const { parts } = divide(left, all);
        const used = sum(all.map((need) => need.used));
        expect(sum(parts)).toBe(Math.max(left, used));
        for (const [index, part] of parts.entries()) {
          expect(part).toBeGreaterThanOrEqual(all[index]!.used);
        }
      }),
    );
  });

  test('who wants gets it as long as there is some, and otherwise it is used up', () => {
    fc.assert(
      fc.property(amount, needs, (left, all) => {
        const { parts, isUsedUp } = divide(left, all);
        const asked = sum(all.map(({ used, wanted }) => used + wanted));
        const isWanted = all.some(({ wanted }) => wanted > 0);
        expect(isUsedUp).toBe(isWanted && asked > left);
        if (isUsedUp) return;
        for (const [index, part] of parts.entries()) {
          expect(part).toBeGreaterThanOrEqual(all[index]!.used + all[index]!.wanted);
        }
      }),
    );
  });

  test('a new container divides its quota evenly, of what has one', () => {
    expect(equalParts({ bytes: 10 }, 3)).toEqual([{ bytes: 4 }, { bytes: 3 }, { bytes: 3 }]);
    expect(equalParts({ objects: 4 }, 2)).toEqual([{ objects: 2 }, { objects: 2 }]);
    expect(equalParts({}, 2)).toEqual([{}, {}]);
  });
});
