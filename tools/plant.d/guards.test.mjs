// Goal: a fault that is planted is in the code, once, and what became of it is told as it is.
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseFaults, verdictOf } from './choose-faults.mjs';
import { GUARD_FAULTS } from './guards.mjs';
import { textWith } from './tree-copy.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

describe('plant', () => {
  const named = GUARD_FAULTS.map((fault) => [fault.name, fault]);
  test.each(named)('%s fits the code', (_name, fault) => {
    const text = readFileSync(join(root, fault.file), 'utf8');
    expect(textWith(fault, text)).not.toBe(text);
    if (fault.test !== undefined) expect(existsSync(join(root, fault.test))).toBe(true);
    else expect(fault).toMatchObject({ engine: expect.stringMatching(/_test$/), only: /\S/ });
  });

  test('names are there once', () => {
    const names = GUARD_FAULTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('what it changes is to be there exactly once', () => {
    const fault = { name: 'f', file: 'x.ts', from: 'a', to: 'b$&' };
    expect(textWith(fault, 'xay')).toBe('xb$&y');
    expect(() => textWith(fault, 'aa')).toThrow("fault f: 'a' stands in x.ts 2 times");
    expect(() => textWith(fault, 'b')).toThrow('0 times');
  });

  test('a few at a time, all of them come round', () => {
    const faults = Array.from({ length: 7 }, (_, i) => ({ name: `f${i}` }));
    const seen = new Set();
    for (let turn = 0; turn < 7; turn++) {
      const few = chooseFaults(faults, [], 3, () => turn);
      expect(new Set(few).size).toBe(3);
      for (const { name } of few) seen.add(name);
    }
    expect(seen.size).toBe(7);
    expect(chooseFaults(faults, ['f5'], undefined, () => 0)).toEqual([{ name: 'f5' }]);
    expect(() => chooseFaults(faults, ['f9'], undefined, () => 0)).toThrow("no fault 'f9'");
    expect(() => chooseFaults(faults, [], 0, () => 0)).toThrow('--few');
  });

  test.each([
    ['a test fails', { passedCount: 3, failedCount: 1, name: 'n' }, {}, true],
    ['all pass', { passedCount: 3, failedCount: 0 }, {}, false],
    ['none ran', { passedCount: 0, failedCount: 0, reason: 'SyntaxError' }, {}, false],
    ['nothing works', { passedCount: 0, failedCount: 9, name: 'n' }, {}, false],
    ['the one test fails', { passedCount: 0, failedCount: 1, name: 'n' }, { only: 'n' }, true],
  ])('found or not: %s', (_name, ended, fault, isFound) => {
    expect(verdictOf(fault, ended)).toMatchObject({ isFound });
  });
});
