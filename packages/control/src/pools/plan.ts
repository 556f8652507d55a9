// Decides where a new pool goes and how large each target's share is. Pure: from ranks and pools to
// a plan or an error.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import { bytesField, labelField, rankField, uuidField } from '../records/fields.js';
import { aclField, principalField } from '../security/acl.js';
import { poolPropertyChangesSchema } from '../records/pool-properties.js';
import type { PoolFields } from '../records/pool-record.js';
import type { RankFields } from '../records/rank-record.js';
import type { SystemProperties } from '../records/system-properties.js';
import { formatSize } from '../sizes.js';
import {
  ASK_FOR_LESS,
  checkGroupsFit,
  freeSpaceOf,
  largestShare,
  type FreeSpace,
} from './free-space.js';
import { diskUsageOf } from './disk-usage.js';

/** A smaller arena holds too little to be of use. */
export const ARENA_SIZE_MIN = 32 * 2 ** 20;
const SIZE_GRAIN = 2 ** 20;

export const createPoolSchema = z
  .strictObject({
    label: labelField,
    uuid: uuidField.optional(),
    size: bytesField
      .refine((bytes) => bytes > 0, 'a pool of no size holds nothing')
      .optional()
      .meta({ description: 'Bytes over all ranks, both tiers together' }),
    freePercent: z
      .number()
      .gt(0)
      .max(100)
      .optional()
      .meta({ description: 'Share of what is free' }),
    arenaSizePerRank: bytesField.optional(),
    dataSizePerRank: bytesField.optional(),
    tierRatio: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({
        description: 'Part for the arenas; the system says which if left out',
      }),
    ranks: z.array(rankField).min(1).optional(),
    rankCount: z.int().min(1).optional(),
    owner: principalField.optional(),
    ownerGroup: principalField.optional(),
    acl: aclField.optional(),
    properties: poolPropertyChangesSchema.optional(),
  })
  .refine(
    (r) => [r.size, r.freePercent, r.arenaSizePerRank].filter((v) => v !== undefined).length === 1,
    'give exactly one of size, freePercent and arenaSizePerRank',
  )
  .refine(
    (r) => r.dataSizePerRank === undefined || r.arenaSizePerRank !== undefined,
    'dataSizePerRank goes with arenaSizePerRank',
  )
  .refine((r) => !r.ranks || !r.rankCount, 'give ranks or rankCount, not both');

export type CreatePoolRequest = z.infer<typeof createPoolSchema>;

export interface PoolPlan {
  readonly ranks: readonly RankFields[];
  /** Both per target. */
  readonly arenaBytes: number;
  readonly dataBytes: number;
}

/**
 * DER_NOSPACE says what is free where; DER_NONEXIST and DER_UNREACH name a rank that cannot serve.
 */
export function planPool(
  request: CreatePoolRequest,
  ranks: readonly RankFields[],
  pools: readonly PoolFields[],
  system: SystemProperties,
): PoolPlan {
  const chosen = chooseRanks(request, ranks, pools);
  const { tierRatio = system.pool_tier_ratio / 100 } = request;
  const shares = sharePerTarget({ ...request, tierRatio }, chosen, pools);
  for (const rank of chosen) checkFits(request, rank, freeSpaceOf(rank, pools), shares);
  return { ranks: chosen, ...shares };
}

function chooseRanks(
  request: CreatePoolRequest,
  ranks: readonly RankFields[],
  pools: readonly PoolFields[],
): RankFields[] {
  const joined = ranks.filter((rank) => rank.state === 'joined');
  if (request.ranks)
    return [...new Set(request.ranks)].sort((a, b) => a - b).map((n) => named(n, ranks));
  const count = request.rankCount ?? joined.length;
  if (count === 0 || count > joined.length) {
    throw new DaosError(
      'DER_UNREACH',
      `pool '${request.label}' needs ${Math.max(count, 1)} ranks, ${joined.length} of ` +
        `${ranks.length} are joined: ` +
        `see 'dmg system query'`,
    );
  }
  const free = (rank: RankFields) => freeSpaceOf(rank, pools).storageBytes;
  const emptiest = [...joined].sort((a, b) => free(b) - free(a) || a.rank - b.rank);
  return emptiest.slice(0, count).sort((a, b) => a.rank - b.rank);
}

function named(number: number, ranks: readonly RankFields[]): RankFields {
  const rank = ranks.find((r) => r.rank === number);
  if (!rank) throw new DaosError('DER_NONEXIST', `there is no rank ${number}`);
  if (rank.state !== 'joined') {
    throw new DaosError('DER_UNREACH', `rank ${number} is ${rank.state}, not joined`);
  }
  return rank;
}

function sharePerTarget(
  { tierRatio: ratio, ...request }: CreatePoolRequest & { tierRatio: number },
  ranks: readonly RankFields[],
  pools: readonly PoolFields[],
): { arenaBytes: number; dataBytes: number } {
  const targetCount = ranks.reduce((sum, rank) => sum + rank.targetCount, 0);
  if (request.arenaSizePerRank !== undefined) {
    const targetsPerRank = targetCount / ranks.length;
    return {
      arenaBytes: grain(Math.max(ARENA_SIZE_MIN, request.arenaSizePerRank / targetsPerRank)),
      dataBytes: grain((request.dataSizePerRank ?? 0) / targetsPerRank),
    };
  }
  if (request.freePercent !== undefined) {
    return shareOfFree(request.freePercent / 100, ratio, ranks, pools);
  }
  const perTarget = (request.size ?? 0) / targetCount;
  const arenaBytes = grain(Math.max(ARENA_SIZE_MIN, perTarget * ratio));
  return { arenaBytes, dataBytes: grain(Math.max(0, perTarget - arenaBytes)) };
}

/** The tightest rank decides, since every target gets the same. */
function shareOfFree(
  share: number,
  ratio: number,
  ranks: readonly RankFields[],
  pools: readonly PoolFields[],
): { arenaBytes: number; dataBytes: number } {
  const shares = ranks.map((rank) =>
    largestShare(freeSpaceOf(rank, pools), rank.targetCount, share, ratio),
  );
  const arenaBytes = grain(Math.max(ARENA_SIZE_MIN, Math.min(...shares.map((s) => s.arenaBytes))));
  const dataBytes = Math.min(...shares.map((s) => s.dataBytesBeside(arenaBytes)));
  return { arenaBytes, dataBytes };
}

function checkFits(
  request: CreatePoolRequest,
  rank: RankFields,
  free: FreeSpace,
  { arenaBytes, dataBytes }: { arenaBytes: number; dataBytes: number },
): void {
  if (free.groups) checkGroupsFit(request.label, rank, free.groups, { arenaBytes, dataBytes });
  const storageBytes = rank.targetCount * diskUsageOf({ arenaBytes, dataBytes });
  if (!free.groups && storageBytes > free.storageBytes) {
    throw new DaosError(
      'DER_NOSPACE',
      `pool '${request.label}' needs ${formatSize(storageBytes)} on rank ${rank.rank}, ` +
        `where ${formatSize(free.storageBytes)} of ${formatSize(rank.storageCapacityBytes)} are ` +
        `free`,
      { action: ASK_FOR_LESS },
    );
  }
  const memoryBytes = rank.targetCount * arenaBytes;
  if (memoryBytes > free.memoryBytes) {
    throw new DaosError(
      'DER_NOSPACE',
      `pool '${request.label}' needs ${formatSize(memoryBytes)} of memory on rank ${rank.rank}, ` +
        `where ${formatSize(free.memoryBytes)} of ${formatSize(rank.memoryCapacityBytes)} are ` +
        `free`,
      { action: `lower its tier ratio, or raise 'memory' in the server's configuration` },
    );
  }
}

/** Whole units in which targets get space. */
export function grain(bytes: number): number {
  return Math.floor(bytes / SIZE_GRAIN) * SIZE_GRAIN;
}
