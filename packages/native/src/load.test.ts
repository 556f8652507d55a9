import { describe, expect, test } from '@jest/globals';
import { findAddon, loadAddon, missingAddonMessage } from './load.js';

describe('native/load', () => {
  test('the local build is found first', () => {
    expect(findAddon('engine')).toMatch(/native\/build\/engine\.node$/);
  });

  test('an addon is loaded once for an environment, and the engine serves as client', () => {
    const engine = loadAddon('engine');
    expect(loadAddon('engine')).toBe(engine);
    expect(loadAddon('client')).toBe(engine);
  });

  test('a missing addon gets a message that names the package and the way to build', () => {
    expect(missingAddonMessage('client')).toMatch(/@daos\/native-linux-x64-gnu.*cmake --build/);
  });
});
