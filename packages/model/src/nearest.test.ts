import { describe, expect, test } from '@jest/globals';
import { nearestOf } from './nearest.js';

describe('model/nearest', () => {
  test.each([
    ['tragets', 'targets'],
    ['Targets', 'targets'],
    ['prot', 'port'],
    ['x', undefined],
    ['something', undefined],
  ])('%s means %s', (word, meant) => {
    expect(nearestOf(word, ['targets', 'port', 'address'])).toBe(meant);
  });
});
