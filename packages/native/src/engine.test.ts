// An engine through the addon, on real files.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startEngine } from './engine.js';

const CONTAINER = '7f1d5a40-2b6c-4f7e-9a3d-0c5b8e1f2a3d';
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
      expect(devices.map(({ path, roles }) => [path, roles])).toEqual([
        [join(place, 'store'), ['wal', 'meta']],
        [join(place, 'data'), ['data']],
      ]);
      expect(await engine.listDevices()).toEqual([]);
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

  test('gives a device up and replaces it', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'daos-engine-'));
    const engine = await startEngine({
      rank: 0,
      dataDirectory,
      targetCount: 2,
      transports: ['tcp'],
      logLevel: 'off',
    });
    try {
      const sizes = { arenaBytes: 16 * MIB, dataBytes: 16 * MIB };
      await engine.createPool(POOL, sizes);
      const path = join(dataDirectory, 'pools', POOL, 'target-1', 'data');
      const replacement = { sizes, containers: [CONTAINER], acceptsDataLoss: true };
      await expect(engine.setDeviceFaulty('/nowhere', '')).rejects.toThrow('/nowhere');
      await expect(engine.replaceDevice(path, replacement)).rejects.toThrow('set it faulty first');
      await engine.setDeviceFaulty(path, 'smells of smoke');
      const failures = (await engine.queryPool(POOL)).map(({ failure }) => failure);
      expect(failures[0]).toBe('');
      expect(failures[1]).toContain('target 1 of rank 0 has stopped');
      expect(failures[1]).toContain('smells of smoke');
      const faulty = (await engine.queryDevices()).filter(({ isFaulty }) => isFaulty);
      expect(faulty.map((device) => device.path)).toEqual([path]);
      const refused = engine.replaceDevice(path, { ...replacement, acceptsDataLoss: false });
      await expect(refused).rejects.toThrow('would be lost');
      await engine.replaceDevice(path, replacement);
      const shares = await engine.queryPool(POOL);
      expect(shares.map(({ failure }) => failure)).toEqual(['', '']);
      expect(shares.map(({ containerCount }) => containerCount)).toEqual([0, 1]);
      expect((await engine.queryDevices()).every(({ isFaulty }) => !isFaulty)).toBe(true);
    } finally {
      await engine.stop();
      rmSync(dataDirectory, { recursive: true });
    }
  });
});
