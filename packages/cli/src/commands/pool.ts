// `pool` of dmg (create, resize, destroy, evict, set-prop, access) and of both dmg and daos.

import { userInfo } from 'node:os';
import {
  type ControlClient,
  formatSize,
  parseSize,
  type PoolStatus,
  type PoolSummary,
} from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatFields, formatTable } from '../table.js';
import { addPoolAccess, ownerOf, readAcl } from './access.js';
import { addPoolAttributes } from './attributes.js';
import { listContainers } from './container.js';
import {
  parseProperties,
  parseRanks,
  parseRatio,
  parseSizeOrPercent,
  poolPropertiesOf,
} from './parse.js';
import { propertiesOutput } from './properties.js';

export function addPoolQueries(cli: Cli): Command {
  const pool = cli.program.command('pool').description('works on pools');
  pool
    .command('list')
    .alias('ls')
    .description('lists the pools of the system')
    .option('-v, --verbose', 'also what is free of each, and how evenly it is used')
    .option('-n, --no-query', 'asks no engine, whatever else is said')
    .action(cli.action(listPools));
  pool
    .command('query <pool>')
    .description('shows the space and the state of a pool')
    .option('--show-targets', 'also for each target')
    .option('-e, --show-enabled', 'also the ranks whose targets all serve')
    .option('-t, --health-only', 'states alone, without space')
    .action(cli.action(queryPool));
  pool
    .command('query-targets <pool>')
    .description('shows the targets of a pool: state and space')
    .option('-r, --rank <rank>', 'of this rank')
    .option('-t, --target-idx <list>', 'these targets of it, as 0,2,4-6')
    .action(cli.action(queryTargets));
  pool
    .command('get-prop <pool> [names]')
    .alias('getprop')
    .description('shows the properties of a pool, or those of these names')
    .action(cli.action(getProperties));
  pool
    .command('list-containers <pool>')
    .alias('list-cont')
    .description('lists the containers of a pool')
    .action(cli.action(listContainers));
  addPoolAttributes(cli, pool);
  return pool;
}

export function addPoolManagement(cli: Cli): void {
  const pool = addPoolQueries(cli);
  pool
    .command('create <label>')
    .description('creates a pool')
    .option('-z, --size <size>', 'size over all ranks, as 10GB; or a share of what is free, as 50%')
    .option('-t, --tier-ratio <ratio>', 'share for metadata and small values, as 6%')
    .option('-s, --scm-size <size>', 'size for metadata and small values on each rank')
    .option('-n, --nvme-size <size>', 'size for bulk data on each rank')
    .option('--meta-size <size>', 'as --scm-size')
    .option('--data-size <size>', 'as --nvme-size')
    .option('-r, --ranks <list>', 'ranks, as 0,2,4-6')
    .option('-k, --nranks <count>', 'number of ranks')
    .option('-u, --user <user>', 'who owns it; you, when left out')
    .option('-g, --group <group>', 'which group owns it')
    .option('-a, --acl-file <file>', 'who may do what: one entry a line')
    .option('-P, --properties <list>', 'properties as reclaim:lazy,space_rb:5')
    .action(cli.action(createPool));
  pool
    .command('destroy <pool>')
    .description('destroys a pool and all data in it')
    .option('-r, --recursive', 'also when it has containers')
    .option('-f, --force', "as DAOS's, and no different: handles that are open keep no pool")
    .action(cli.action(destroyPool));
  pool
    .command('set-prop <pool> <properties>')
    .alias('setprop')
    .description('changes properties: label:newname, or reclaim:lazy,space_rb:5')
    .action(cli.action(setProperties));
  pool
    .command('resize <pool>')
    .description('gives a pool another size, down to what is used: its tier of bulk data alone')
    .option('-z, --size <size>', 'size over all ranks, as 10GB')
    .option('-n, --nvme-size <size>', 'size for bulk data on each rank')
    .action(cli.action(resizePool));
  pool
    .command('evict <pool>')
    .description('closes all handles of a pool and revokes what opens them')
    .action(cli.action(evictPool));
  addPoolAccess(cli, pool);
}

interface ListOptions {
  verbose?: boolean;
  query?: boolean;
}

export async function listPools(
  { control }: CommandContext,
  { verbose = false, query = true }: ListOptions = {},
): Promise<Output> {
  const { pools } = await control.call('listPools');
  if (pools.length === 0) return { response: { pools }, human: 'no pools\n' };
  if (!verbose || !query) return { response: { pools }, human: poolTable(pools) };
  const ready = pools.filter(({ state }) => state === 'ready');
  const response = await Promise.all(
    ready.map(({ uuid }) => control.call('queryPool', { params: { pool: uuid } })),
  );
  return { response: { pools: response }, human: spaceTable(response) };
}

function spaceTable(pools: readonly PoolStatus[]): string {
  const tier = (name: string) => [`${name} total`, `${name} free`, `${name} imbalance`];
  return formatTable(
    ['Pool', 'UUID', 'State', 'Ranks', 'Out of service', ...tier('Metadata'), ...tier('Data')],
    pools.map((pool) => [
      ...[pool.label, pool.uuid, pool.state, pool.ranks.join(',')],
      ranksOf(pool, false) || 'none',
      ...[pool.arena, pool.data].flatMap((one) => [
        formatSize(one.totalBytes),
        formatSize(one.freeBytes),
        `${one.imbalancePercent} %`,
      ]),
    ]),
  );
}

function poolTable(pools: readonly PoolSummary[]): string {
  return formatTable(
    ['Pool', 'UUID', 'State', 'Size', 'Ranks', 'Targets'],
    pools.map((pool) => [
      pool.label,
      pool.uuid,
      pool.state,
      formatSize(pool.sizeBytes),
      pool.ranks.join(','),
      pool.targetCount,
    ]),
  );
}

export async function queryPool(
  { control }: CommandContext,
  pool: string,
  options: QueryOptions,
): Promise<Output> {
  const response = await control.call('queryPool', { params: { pool } });
  const targets = options.showTargets ? `\n${targetTable(response)}` : '';
  return { response, human: poolFields(response, options) + targets };
}

interface QueryOptions {
  showTargets?: boolean;
  showEnabled?: boolean;
  healthOnly?: boolean;
}

/** Ranks of whose targets none, or at least one, is out of service. */
function ranksOf({ ranks, targets, unreachableRanks }: PoolStatus, isEnabled: boolean): string {
  const isAway = (rank: number) =>
    unreachableRanks.includes(rank) ||
    targets.some((one) => one.rank === rank && (one.state !== 'up' || one.failure !== undefined));
  return ranks.filter((rank) => isAway(rank) !== isEnabled).join(',');
}

function poolFields(pool: PoolStatus, { showEnabled, healthOnly }: QueryOptions): string {
  const tier = ({
    totalBytes,
    freeBytes,
    targetFreeBytesMin,
    imbalancePercent,
  }: PoolStatus['arena']) =>
    `${formatSize(freeBytes)} free of ${formatSize(totalBytes)}, least on a target ` +
    `${formatSize(targetFreeBytesMin)}, imbalance ${imbalancePercent} %`;
  return formatFields([
    ['Pool', `${pool.label} (${pool.uuid})`],
    ['State', pool.state],
    ...(pool.resizedToBytes === undefined
      ? []
      : [['Being resized', `to ${formatSize(pool.resizedToBytes)}`] as const]),
    ['Map version', pool.mapVersion],
    ['Ranks', pool.ranks.join(',')],
    ['Targets', pool.targetCount],
    ['Containers', pool.containerCount],
    ...(showEnabled ? [['Enabled ranks', ranksOf(pool, true)] as const] : []),
    ...(healthOnly
      ? [['Disabled ranks', ranksOf(pool, false) || 'none'] as const]
      : [
          ['Metadata and small values', tier(pool.arena)] as const,
          ['Data', tier(pool.data)] as const,
        ]),
    ...pool.targets
      .filter(({ failure }) => failure !== undefined)
      .map(({ rank, index, failure }) => {
        return [`Target ${index} of rank ${rank}`, `stopped: ${failure}`] as const;
      }),
    ...(pool.unreachableRanks.length
      ? [['Unreachable ranks', pool.unreachableRanks.join(',')] as const]
      : []),
  ]);
}

function targetTable(pool: PoolStatus): string {
  return formatTable(
    ['Rank', 'Target', 'State', 'Metadata used', 'Metadata total', 'Data used', 'Data total'],
    pool.targets.map(({ rank, index, state, arena, data, failure }) => [
      rank,
      index,
      failure === undefined ? state : 'stopped',
      formatSize(arena.usedBytes),
      formatSize(arena.totalBytes),
      formatSize(data.usedBytes),
      formatSize(data.totalBytes),
    ]),
  );
}

interface CreateOptions {
  size?: string;
  tierRatio?: string;
  scmSize?: string;
  nvmeSize?: string;
  metaSize?: string;
  dataSize?: string;
  ranks?: string;
  nranks?: string;
  user?: string;
  group?: string;
  aclFile?: string;
  properties?: string;
}

/** Of two names for the same option. */
function oneOf(options: Record<string, string | undefined>): string | undefined {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given.length <= 1) return given[0]?.[1];
  const names = given.map(([name]) => name).join(' and ');
  throw new DaosError('DER_INVAL', `${names} mean the same: give one of them`);
}

async function createPool(
  { control }: CommandContext,
  label: string,
  options: CreateOptions,
): Promise<Output> {
  const arenaSize = oneOf({ '--scm-size': options.scmSize, '--meta-size': options.metaSize });
  const dataSize = oneOf({ '--nvme-size': options.nvmeSize, '--data-size': options.dataSize });
  if ((options.size === undefined) === (arenaSize === undefined)) {
    throw new DaosError('DER_INVAL', 'give either --size or --scm-size');
  }
  const pool = await control.call('createPool', {
    body: {
      label,
      ...(options.size !== undefined && parseSizeOrPercent(options.size)),
      ...(options.tierRatio !== undefined && { tierRatio: parseRatio(options.tierRatio) }),
      ...(arenaSize !== undefined && { arenaSizePerRank: parseSize(arenaSize) }),
      ...(dataSize !== undefined && { dataSizePerRank: parseSize(dataSize) }),
      ...(options.ranks !== undefined && { ranks: parseRanks(options.ranks) }),
      ...ownerOf({ user: userInfo().username, ...options }),
      ...(options.aclFile !== undefined && { acl: readAcl(options.aclFile) }),
      // The service checks names and values, and says which are wrong.
      ...(options.properties !== undefined && {
        properties: poolPropertiesOf(parseProperties(options.properties)) as never,
      }),
      ...(options.nranks !== undefined && { rankCount: Number(options.nranks) }),
    },
  });
  const ranks = pool.map.ranks.map(({ rank }) => rank).join(',');
  const sizes = await describeSizes(control, pool.uuid);
  return {
    response: pool,
    human: `created pool ${pool.label} (${pool.uuid}) on ranks ${ranks}\n${sizes}`,
  };
}

/** They may be more than was asked for, or a part of what was free. */
async function describeSizes(control: ControlClient, pool: string): Promise<string> {
  try {
    const { arena, data } = await control.call('queryPool', { params: { pool } });
    const [metadata, bulk] = [arena, data].map(({ totalBytes }) => formatSize(totalBytes));
    return `with ${metadata} for metadata and small values, ${bulk} for data\n`;
  } catch {
    // The pool is there, whoever does not answer now.
    return '';
  }
}

async function destroyPool(
  { control }: CommandContext,
  pool: string,
  options: { recursive?: boolean },
): Promise<Output> {
  await control.call('destroyPool', {
    params: { pool },
    ...(options.recursive && { query: { recursive: 'true' } }),
  });
  return { response: { pool }, human: `destroyed pool ${pool}\n` };
}

async function resizePool(
  { control }: CommandContext,
  pool: string,
  { size, nvmeSize }: { size?: string; nvmeSize?: string },
): Promise<Output> {
  if ((size === undefined) === (nvmeSize === undefined)) {
    throw new DaosError('DER_INVAL', 'give either --size or --nvme-size');
  }
  const body = {
    ...(size !== undefined && { size: parseSize(size) }),
    ...(nvmeSize !== undefined && { dataSizePerRank: parseSize(nvmeSize) }),
  };
  const response = await control.call('resizePool', { params: { pool }, body });
  const human = `pool ${response.label} has ${formatSize(response.sizeBytes)} now\n`;
  return { response, human };
}

async function queryTargets(
  { control }: CommandContext,
  pool: string,
  { rank, targetIdx }: { rank?: string; targetIdx?: string },
): Promise<Output> {
  if (targetIdx !== undefined && rank === undefined) {
    throw new DaosError('DER_INVAL', '--target-idx goes with --rank');
  }
  const ranks = rank === undefined ? undefined : parseRanks(rank);
  const indices = targetIdx === undefined ? undefined : parseRanks(targetIdx);
  const status = await control.call('queryPool', { params: { pool } });
  const targets = status.targets.filter(
    (one) => (ranks?.includes(one.rank) ?? true) && (indices?.includes(one.index) ?? true),
  );
  if (targets.length === 0) {
    const away = status.unreachableRanks;
    const where = away.length > 0 ? `; ranks ${away.join(',')} do not answer` : '';
    throw new DaosError('DER_NONEXIST', `pool '${pool}' has no such target${where}`);
  }
  return { response: { targets }, human: targetTable({ ...status, targets }) };
}

async function evictPool({ control }: CommandContext, pool: string): Promise<Output> {
  await control.call('evictPool', { params: { pool } });
  return { response: { pool }, human: `evicted all handles of pool ${pool}\n` };
}

async function getProperties(
  { control }: CommandContext,
  pool: string,
  names?: string,
): Promise<Output> {
  const response = await control.call('getPoolProperties', { params: { pool } });
  return propertiesOutput(response, names);
}

async function setProperties(
  { control }: CommandContext,
  pool: string,
  properties: string,
): Promise<Output> {
  const params = { pool };
  const { label, ...others } = parseProperties(properties);
  if (label === undefined) {
    const body = poolPropertiesOf(others) as never;
    const response = await control.call('changePoolProperties', { params, body });
    return { ...propertiesOutput(response), response };
  }
  if (Object.keys(others).length > 0) {
    throw new DaosError('DER_INVAL', 'change the label by itself, and the others by another call');
  }
  const response = await control.call('relabelPool', { params, body: { label } });
  return { response, human: `pool ${response.uuid} is ${response.label} now\n` };
}
