// The storage of the system: what its hosts have, and what pools have taken of it.

import { readRecords, type ControlContext } from '../control-context.js';
import type { HostStorage, RankUsage } from '../engines/host-scan.js';
import { freeSpaceOf } from '../pools/plan.js';
import { POOL_PREFIX, poolRecord } from '../records/pool-record.js';
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
  return (await listRanks(context)).map((rank) => {
    const free = freeSpaceOf(rank, pools);
    return {
      rank: rank.rank,
      host: rank.host,
      storage: { totalBytes: rank.storageCapacityBytes, freeBytes: free.storageBytes },
      memory: { totalBytes: rank.memoryCapacityBytes, freeBytes: free.memoryBytes },
    };
  });
}
