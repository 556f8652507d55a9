// What the console asks of the control service: reading alone.

export interface Rank {
  rank: number;
  state: string;
  reason?: string;
  incarnation: number;
  host: string;
  faultDomain: string;
  targetCount: number;
}

interface Tier {
  totalBytes: number;
  freeBytes: number;
}

export interface RankUsage {
  rank: number;
  storage: Tier;
  memory: Tier;
}

export interface Host {
  host: string;
  ranks: number[];
  error?: string;
  scan?: {
    coreCount: number;
    memoryBytes: number;
    interfaces: { name: string; address: string }[];
    blockDevices: { name: string; sizeBytes: number }[];
  };
}

export interface PoolSummary {
  uuid: string;
  label: string;
  state: string;
}

export interface PoolStatus extends PoolSummary {
  ranks: number[];
  targetCount: number;
  containerCount: number;
  mapVersion: number;
  arena: Tier;
  data: Tier;
  unreachableRanks: number[];
}

export interface Operation {
  operation: string;
  count: number;
  failedCount: number;
  bytes: number;
  /** Element b counts what took up to 2^b microseconds. */
  latencyCounts: number[];
}

export interface Activity {
  timeMs: number;
  targets: { rank: number; index: number; operations: Operation[] }[];
}

export interface Container {
  uuid: string;
  label: string;
  properties: Record<string, string | number | boolean>;
  snapshotCount: number;
  createdMs: number;
}

/** The caller is not, or no longer, logged in. */
export class LoggedOut extends Error {}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { cache: 'no-store' });
  if (response.status === 401 || response.status === 403) throw new LoggedOut();
  const body = (await response.json()) as { error?: { message: string } };
  if (!response.ok) throw new Error(body.error?.message ?? `${path}: ${response.status}`);
  return body as T;
}

const poolPath = (pool: string) => `/v1/pools/${encodeURIComponent(pool)}`;

export const api = {
  ranks: async () => (await get<{ ranks: Rank[] }>('/v1/ranks')).ranks,
  usage: async () => (await get<{ ranks: RankUsage[] }>('/v1/storage/usage')).ranks,
  hosts: async () => (await get<{ hosts: Host[] }>('/v1/storage/hosts')).hosts,
  pools: async () => (await get<{ pools: PoolSummary[] }>('/v1/pools')).pools,
  status: (pool: string) => get<PoolStatus>(`${poolPath(pool)}/status`),
  activity: (pool: string) => get<Activity>(`${poolPath(pool)}/activity`),
  containers: async (pool: string) =>
    (await get<{ containers: Container[] }>(`${poolPath(pool)}/containers`)).containers,
};

/** False when the token is not, or no longer, right. */
export async function logIn(token: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ token });
  return (await fetch('login', { method: 'POST', headers, body })).ok;
}
