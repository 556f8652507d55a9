// Goal:   pools take of devices what fits each group of them, no less and no more.
import { describe, expect, test } from '@jest/globals';
import type { RankFields } from '../records/rank-record.js';
import { deviceUsageOf } from './disk-usage.js';
import { checkGroupsFit, freeSpaceOf, largestShare } from './free-space.js';

const MIB = 2 ** 20;
const rank: RankFields = {
  ...{ rank: 0, state: 'joined', incarnation: 1, host: 'here', faultDomain: '/here' },
  ...{ targetCount: 2, addresses: [], storageCapacityBytes: 0, memoryCapacityBytes: 1024 * MIB },
  deviceGroups: [
    { roles: ['wal', 'meta'], bytesPerTarget: 400 * MIB },
    { roles: ['data'], bytesPerTarget: 2000 * MIB },
  ],
};

describe('control/free-space', () => {
  test('a share on devices has a label for each of its roles', () => {
    const share = { arenaBytes: 64 * MIB, dataBytes: 100 * MIB };
    expect(deviceUsageOf(share, ['data'])).toBe(101 * MIB);
    expect(deviceUsageOf(share, ['wal'])).toBe(17 * MIB);
    const meta = deviceUsageOf(share, ['meta']);
    expect(meta).toBeGreaterThan(129 * MIB);
    expect(deviceUsageOf(share, ['wal', 'meta', 'data'])).toBe(101 * MIB + 17 * MIB + meta);
    expect(deviceUsageOf({ ...share, dataBytes: 0 }, ['data'])).toBe(0);
  });

  test('the largest share fills the groups: one MiB more of either does not fit', () => {
    const free = freeSpaceOf(rank, []);
    expect(free.storageBytes).toBe(2 * 2400 * MIB);
    const share = largestShare(free, 2, 1, 0.5);
    const arenaBytes = share.arenaBytes;
    const dataBytes = share.dataBytesBeside(arenaBytes);
    expect(dataBytes).toBe(1999 * MIB);
    checkGroupsFit('tank', rank, free.groups ?? [], { arenaBytes, dataBytes });
    for (const more of [
      { arenaBytes: arenaBytes + MIB, dataBytes },
      { arenaBytes, dataBytes: dataBytes + MIB },
    ]) {
      expect(() => checkGroupsFit('tank', rank, free.groups ?? [], more)).toThrow(
        expect.objectContaining({ code: 'DER_NOSPACE' }),
      );
    }
  });

  test('what pools have is not free, and a group that is full is named by its roles', () => {
    const pool = {
      ...{ uuid: 'u', label: 'one', arenaBytes: 32 * MIB, dataBytes: 500 * MIB },
      ranks: [{ rank: 0, targets: [{ state: 'up' }, { state: 'up' }] }],
    } as unknown as Parameters<typeof freeSpaceOf>[1][number];
    const free = freeSpaceOf(rank, [pool, { ...pool, resizedDataBytes: 700 * MIB }]);
    expect(free.groups?.[1]?.bytesPerTarget).toBe((2000 - 501 - 701) * MIB);
    expect(free.memoryBytes).toBe((1024 - 128) * MIB);
    expect(() =>
      checkGroupsFit('two', rank, free.groups ?? [], {
        ...{ arenaBytes: 32 * MIB, dataBytes: 900 * MIB },
      }),
    ).toThrow("pool 'two' needs 1.8 GiB of the devices for data on rank 0, where 1.6 GiB are free");
  });
});
