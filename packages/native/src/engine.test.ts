// An engine through the addon, on real files.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startEngine } from './engine.js';

const POOL = '11111111-2222-4333-8444-555555555555';
const MIB = 2 ** 20;

describe('native/engine', () => {
  test('tells of the devices its pools are on', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'daos-engine-'));
    const engine = await startEngine({ rank: 0, dataDirectory, transports: ['tcp'] });
    try {
      expect(await engine.queryDevices()).toEqual([]);
      await engine.createPool(POOL, { arenaBytes: 16 * MIB, dataBytes: 16 * MIB });
      const devices = await engine.queryDevices();
      const place = join(dataDirectory, 'pools', POOL, 'target-0');
      expect(devices.map(({ path }) => path)).toEqual([join(place, 'store'), join(place, 'data')]);
      for (const device of devices) {
        expect(device).toMatchObject({ target: 0, pool: POOL, isFaulty: false, failure: '' });
        expect(device.sizeBytes).toBeGreaterThan(16 * MIB);
        expect(device.durableWriteCount).toBeGreaterThan(0);
        const names = device.operations.map(({ operation }) => operation);
        expect(names).toEqual(['read', 'write', 'flush', 'discard']);
        const [, writes] = device.operations;
        expect(writes).toMatchObject({ errorCount: 0 });
        expect(writes!.bytes).toBeGreaterThan(0);
        expect(writes!.p99Ns).toBeGreaterThanOrEqual(writes!.p50Ns);
        expect(device.health).toMatchObject({ isAvailable: false, why: 'a file, not a device' });
      }
    } finally {
      await engine.stop();
      rmSync(dataDirectory, { recursive: true });
    }
  });
});
