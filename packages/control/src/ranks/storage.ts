// The storage of the system: what its hosts have, and what pools have taken of it.

import { readRecords, type ControlContext } from '../control-context.js';
import type { HostStorage, RankUsage } from '../engines/host-scan.js';
import { freeSpaceOf, largestShare } from '../pools/free-space.js';
import { getSystemProperties } from '../system-properties.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import type { RankFields } from '../records/rank-record.js';
import { listRanks, ranksByServer } from './rank-registry.js';

/** Every host is asked, whatever the others answer. */
export async function scanHosts(context: ControlContext): Promise<HostStorage[]> {
  const hosts = await ranksByServer(context);
  return await Promise.all(hosts.map((ranks) => scanHost(context, ranks)));
}

async function scanHost(
  { engines }: ControlContext,
  ranks: readonly RankFields[],
): Promise<HostStorage> {
  const [first] = ranks;
  const host = { host: first?.host ?? '', ranks: ranks.map(({ rank }) => rank) };
  try {
    const scan = first && (await engines.scanHost?.(first.rank));
    return { ...host, ...(scan && { scan }) };
  } catch (error) {
    return { ...host, error: error instanceof Error ? error.message : String(error) };
  }
}

export async function rankUsage(context: ControlContext): Promise<RankUsage[]> {
  const pools = (await readRecords(context, poolRecord, POOL_PREFIX)).map(({ fields }) => fields);
  const { pool_tier_ratio: percent } = await getSystemProperties(context);
  return (await listRanks(context)).map((rank) => usageOf(rank, pools, percent / 100));
}

function usageOf(rank: RankFields, pools: readonly PoolFields[], tierRatio: number): RankUsage {
  const free = freeSpaceOf(rank, pools);
  const share = largestShare(free, rank.targetCount, 1, tierRatio);
  // Exact as far as numbers are.
  const ofAll = (perTarget: number) =>
    Math.min(rank.targetCount * perTarget, Number.MAX_SAFE_INTEGER);
  const storage = { totalBytes: rank.storageCapacityBytes, freeBytes: free.storageBytes };
  return {
    ...{ rank: rank.rank, host: rank.host, storage },
    memory: { totalBytes: rank.memoryCapacityBytes, freeBytes: free.memoryBytes },
    usable: {
      arenaBytes: ofAll(share.arenaBytes),
      dataBytes: ofAll(share.dataBytesBeside(share.arenaBytes)),
    },
    ...(rank.deviceGroups && {
      tiers: rank.deviceGroups.map(({ roles, bytesPerTarget }, index) => ({
        roles,
        totalBytes: ofAll(bytesPerTarget),
        freeBytes: ofAll(free.groups?.[index]?.bytesPerTarget ?? 0),
      })),
    }),
  };
}
