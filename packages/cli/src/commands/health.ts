// `daos health check`: whether the system can be used, and all that the caller sees in it.

import { formatSize, type ControlClient, type PoolSummary } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { forEachParallel } from '../parallel.js';
import { formatFields, formatTable } from '../table.js';
import { CLI_VERSION } from '../version.js';

/** So many containers are asked about at once. */
const WIDTH = 16;

interface ContainerHealth {
  readonly label: string;
  readonly health: string;
  readonly usedBytes: number;
}

interface PoolHealth {
  readonly label: string;
  readonly state: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Targets that do not serve, of all. */
  readonly downCount: number;
  readonly targetCount: number;
  readonly containers: readonly ContainerHealth[];
}

export function addHealth(cli: Cli): void {
  cli.program
    .command('health')
    .description('says how the system is')
    .command('check [pool] [container]')
    .description('versions, the host that acts, pools and containers and what is wrong with them')
    .action(cli.action(checkHealth));
}

async function checkHealth(
  { control, progress }: CommandContext,
  pool?: string,
  container?: string,
): Promise<Output> {
  const { version: serverVersion } = await control.call('getVersion');
  const { url, isAlone } = await control.call('getLeader');
  const { pools: all } = await control.call('listPools');
  const wanted = all.filter(({ label, uuid }) => (pool ?? label) === label || pool === uuid);
  if (pool !== undefined && wanted.length === 0) {
    throw new DaosError('DER_NONEXIST', `there is no pool '${pool}': see 'daos pool list'`);
  }
  const pools: PoolHealth[] = [];
  for (const [count, one] of wanted.entries()) {
    progress.report({ count, total: wanted.length, text: `${count}/${wanted.length} pools` });
    pools.push(await healthOf(control, one, container));
  }
  const problems = pools.flatMap(problemsOf);
  if (url === undefined && !isAlone) problems.unshift('no control host acts now');
  const leader = url ?? control.url;
  const response = { cliVersion: CLI_VERSION, serverVersion, leader, pools, problems };
  const fields = formatFields([
    ['This program', CLI_VERSION],
    ['Control service', `${serverVersion}, ${leader}`],
    ['Problems', problems.length === 0 ? 'none' : problems.join('; ')],
  ]);
  return { response, human: fields + poolTable(pools) + containerTable(pools) };
}

async function healthOf(
  control: ControlClient,
  { label, state }: PoolSummary,
  container: string | undefined,
): Promise<PoolHealth> {
  const none = { totalBytes: 0, freeBytes: 0, downCount: 0, targetCount: 0, containers: [] };
  // One that is being created or destroyed answers nothing yet, or no more.
  if (state !== 'ready') return { label, state, ...none };
  const params = { pool: label };
  const { arena, data, targets, targetCount } = await control.call('queryPool', { params });
  const up = targets.filter((one) => one.state === 'up' && one.failure === undefined);
  return {
    ...{ label, state, targetCount },
    totalBytes: arena.totalBytes + data.totalBytes,
    freeBytes: arena.freeBytes + data.freeBytes,
    downCount: targetCount - up.length,
    containers: await containersOf(control, label, container),
  };
}

/** Those that the caller may ask about. */
async function containersOf(
  control: ControlClient,
  pool: string,
  named: string | undefined,
): Promise<ContainerHealth[]> {
  const ask = async (container: string): Promise<ContainerHealth> => {
    const params = { pool, container };
    const { label, health, usedBytes } = await control.call('queryContainer', { params });
    return { label, health, usedBytes };
  };
  if (named !== undefined) return [await ask(named)];
  const found: ContainerHealth[] = [];
  const { containers } = await control.call('listContainers', { params: { pool } });
  await forEachParallel(containers, WIDTH, async ({ uuid }) => {
    try {
      found.push(await ask(uuid));
    } catch (error) {
      const isOthers = DaosError.is(error, 'DER_NO_PERM') || DaosError.is(error, 'DER_NONEXIST');
      if (!isOthers) throw error;
    }
  });
  return found.sort((one, other) => (one.label < other.label ? -1 : 1));
}

function problemsOf({ label, state, downCount, containers }: PoolHealth): string[] {
  return [
    ...(state === 'ready' ? [] : [`pool ${label} is ${state}`]),
    ...(downCount === 0 ? [] : [`${downCount} targets of pool ${label} do not serve`]),
    ...containers
      .filter(({ health }) => health !== 'HEALTHY')
      .map((one) => `container ${label}/${one.label} is ${one.health}`),
  ];
}

function poolTable(pools: readonly PoolHealth[]): string {
  if (pools.length === 0) return 'no pools\n';
  const rows = pools.map((pool) => [
    ...[pool.label, pool.state, `${pool.targetCount - pool.downCount} of ${pool.targetCount}`],
    ...[formatSize(pool.freeBytes), formatSize(pool.totalBytes)],
  ]);
  return formatTable(['Pool', 'State', 'Targets', 'Free', 'Size'], rows);
}

function containerTable(pools: readonly PoolHealth[]): string {
  const rows = pools.flatMap(({ label, containers }) =>
    containers.map((one) => [`${label}/${one.label}`, one.health, formatSize(one.usedBytes)]),
  );
  return rows.length === 0 ? 'no containers\n' : formatTable(['Container', 'Health', 'Used'], rows);
}
