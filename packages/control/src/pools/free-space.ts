// What ranks have left for pools: in files of their data directory by one sum, on devices of their
// own by each group of devices with the same roles.

import { DaosError } from '@daos/model';
import type { DeviceGroup } from '../records/device-group.js';
import type { PoolFields } from '../records/pool-record.js';
import type { RankFields } from '../records/rank-record.js';
import { formatSize } from '../sizes.js';
import { dataBytesBeside, deviceUsageOf, diskUsageOf, type ShareSizes } from './disk-usage.js';

const MEBIBYTE = 2 ** 20;

export interface FreeSpace {
  readonly storageBytes: number;
  readonly memoryBytes: number;
  /** Of an engine with devices of its own: what each target has left on them. */
  readonly groups?: readonly DeviceGroup[];
}

export function freeSpaceOf(rank: RankFields, pools: readonly PoolFields[]): FreeSpace {
  const shares = pools.flatMap((pool) => {
    const targetCount = pool.ranks.find((r) => r.rank === rank.rank)?.targets.length ?? 0;
    const dataBytes = Math.max(pool.dataBytes, pool.resizedDataBytes ?? 0);
    return targetCount > 0 ? [{ targetCount, arenaBytes: pool.arenaBytes, dataBytes }] : [];
  });
  const memory = shares.reduce((sum, s) => sum + s.targetCount * s.arenaBytes, 0);
  const memoryBytes = Math.max(0, rank.memoryCapacityBytes - memory);
  if (rank.deviceGroups) {
    const groups = rank.deviceGroups.map(({ roles, bytesPerTarget }) => {
      const used = shares.reduce((sum, share) => sum + deviceUsageOf(share, roles), 0);
      return { roles, bytesPerTarget: Math.max(0, bytesPerTarget - used) };
    });
    const perTarget = groups.reduce((sum, { bytesPerTarget }) => sum + bytesPerTarget, 0);
    const storageBytes = Math.min(rank.targetCount * perTarget, Number.MAX_SAFE_INTEGER);
    return { storageBytes, memoryBytes, groups };
  }
  const used = shares.reduce((sum, s) => sum + s.targetCount * diskUsageOf(s), 0);
  return { storageBytes: Math.max(0, rank.storageCapacityBytes - used), memoryBytes };
}

/** The largest share of a target that takes no more than `part` of what is free. */
export function largestShare(free: FreeSpace, targetCount: number, part: number, ratio: number) {
  const storage = (free.storageBytes * part) / targetCount;
  const memory = (free.memoryBytes * part) / targetCount;
  const groups = free.groups?.map((g) => ({ ...g, bytesPerTarget: g.bytesPerTarget * part }));
  const fits = (share: ShareSizes) => groups === undefined || isWithin(groups, share);
  const wanted = Math.min(storage * ratio, memory);
  return {
    arenaBytes: largest(wanted, (arenaBytes) => fits({ arenaBytes, dataBytes: 0 })),
    dataBytesBeside: (arenaBytes: number) =>
      groups === undefined
        ? dataBytesBeside(arenaBytes, storage)
        : largest(storage, (dataBytes) => fits({ arenaBytes, dataBytes })),
  };
}

export const ASK_FOR_LESS =
  `ask for less, or destroy or shrink pools: 'dmg storage query usage' says what is free`;

/** DER_NOSPACE names the devices by their roles. */
export function checkGroupsFit(
  label: string,
  { rank, targetCount }: Pick<RankFields, 'rank' | 'targetCount'>,
  groups: readonly DeviceGroup[],
  share: ShareSizes,
): void {
  for (const { roles, bytesPerTarget } of groups) {
    const wanted = deviceUsageOf(share, roles);
    if (wanted <= bytesPerTarget) continue;
    throw new DaosError(
      'DER_NOSPACE',
      `pool '${label}' needs ${formatSize(targetCount * wanted)} of the devices for ` +
        `${roles.join(', ')} on rank ${rank}, where ${formatSize(targetCount * bytesPerTarget)} ` +
        `are free`,
      { action: ASK_FOR_LESS },
    );
  }
}

function isWithin(groups: readonly DeviceGroup[], share: ShareSizes): boolean {
  return groups.every(({ roles, bytesPerTarget }) => deviceUsageOf(share, roles) <= bytesPerTarget);
}

/** In whole MiB, up to `bytes`; 0 where nothing fits. What fits does so when it is smaller. */
function largest(bytes: number, fits: (bytes: number) => boolean): number {
  let low = 0;
  let high = Math.floor(bytes / MEBIBYTE);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle * MEBIBYTE)) low = middle;
    else high = middle - 1;
  }
  return low * MEBIBYTE;
}
