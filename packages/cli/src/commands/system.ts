// `dmg system`: query, leader-query, list-pools, stop, start, exclude, clear-exclude, cleanup,
// attributes, properties.

import { formatSize, RANK_STATES, type RankFields } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';
import { addSystemAttributes } from './attributes.js';
import { addErase } from './erase.js';
import { parseRanks } from './parse.js';
import { listPools } from './pool.js';
import { addSystemProperties } from './system-properties.js';

export function addSystem(cli: Cli): void {
  const system = cli.program
    .command('system')
    .alias('sys')
    .description('works on the system as a whole');
  system
    .command('query')
    .description('shows the ranks and their states')
    .option('-r, --ranks <list>', 'these ranks, as 0,2,4-6')
    .option(...RANK_HOSTS)
    .option('-v, --verbose', 'also the hosts, and where their servers take commands')
    .option('--not-ok', 'those that have not joined')
    .option('--with-states <list>', 'those in one of these states, as suspect,stopped')
    .action(cli.action(querySystem));
  system
    .command('leader-query')
    .description('shows which control host acts')
    .action(cli.action(queryLeader));
  system
    .command('list-pools')
    .description('lists the pools of the system')
    .action(cli.action(listPools));
  for (const action of ['stop', 'start'] as const) {
    const command = system
      .command(action)
      .description(`${action}s engines`)
      .option('-r, --ranks <list>', 'ranks, as 0,2,4-6; all when left out')
      .option(...RANK_HOSTS)
      .option('--ignore-admin-excluded', 'leaves out those that an administrator has excluded')
      .action(cli.action((context, options: PowerOptions) => power(context, action, options)));
    if (action !== 'stop') continue;
    command.option('-f, --force', 'at once, as those that hang');
    command.option('--full', "as DAOS's, and no different: engines stop in good order");
  }
  system
    .command('exclude')
    .description('takes ranks out of the pools')
    .option('-r, --ranks <list>', 'ranks, as 0,2,4-6')
    .option(...RANK_HOSTS)
    .action(cli.action((context, options: RanksOption) => each(context, 'excludeRank', options)));
  system
    .command('clear-exclude')
    .description('lets excluded ranks in again')
    .option('-r, --ranks <list>', 'ranks, as 0,2,4-6')
    .option(...RANK_HOSTS)
    .action(
      cli.action((context, options: RanksOption) => each(context, 'clearExcludedRank', options)),
    );
  system
    .command('cleanup <machine>')
    .description('closes what a machine has opened, in all pools, and revokes what it was given')
    .option('-v, --verbose', 'also says in which pools')
    .action(cli.action(cleanUp));
  addErase(cli, system);
  addSystemAttributes(cli, system);
  addSystemProperties(cli, system);
}

/** For users: how the system is reached. */
export function addSystemQuery(cli: Cli): void {
  cli.program
    .command('system')
    .alias('sys')
    .description('works on the system as a whole')
    .command('query')
    .description('shows which control host acts, and whether it answers')
    .action(cli.action(queryLeader));
}

export const RANK_HOSTS = [
  '--rank-hosts <list>',
  'the ranks of these hosts, as host1,host2',
] as const;

export interface RanksOption {
  ranks?: string;
  rankHosts?: string;
}

interface PowerOptions extends RanksOption {
  force?: boolean;
  ignoreAdminExcluded?: boolean;
}

/** Undefined where neither is given. */
export async function ranksOf(
  { control }: CommandContext,
  { ranks, rankHosts }: RanksOption,
): Promise<number[] | undefined> {
  if (rankHosts === undefined) return ranks === undefined ? undefined : parseRanks(ranks);
  if (ranks !== undefined) throw new DaosError('DER_INVAL', 'give --ranks or --rank-hosts');
  const { ranks: all } = await control.call('listRanks');
  return rankHosts.split(',').flatMap((host) => {
    const found = all.filter((rank) => rank.host === host).map(({ rank }) => rank);
    if (found.length > 0) return found;
    throw new DaosError('DER_NONEXIST', `no rank of the system is on host '${host}'`);
  });
}

/** Every rank is tried; the command fails when one of them does, and names it. */
async function power(
  context: CommandContext,
  action: 'stop' | 'start',
  options: PowerOptions,
): Promise<Output> {
  const { control } = context;
  const wanted = await ranksOf(context, options);
  const ranks = options.ignoreAdminExcluded ? await withoutExcluded(context, wanted) : wanted;
  if (ranks?.length === 0) return { response: { results: [] }, human: 'no such ranks\n' };
  const chosen = ranks === undefined ? {} : { ranks };
  const { results } = await (action === 'stop'
    ? control.call('stopRanks', { body: { ...chosen, force: options.force === true } })
    : control.call('startRanks', { body: chosen }));
  failWithThose(results);
  return { response: { results }, human: `${results.length} ranks: ${action} done\n` };
}

/** Names every rank that failed, and why. */
export function failWithThose(results: readonly { rank: number; error?: string | undefined }[]) {
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return;
  const list = failed.map(({ rank, error }) => `rank ${rank}: ${error}`).join('; ');
  throw new DaosError('DER_MISC', `${failed.length} of ${results.length} failed: ${list}`);
}

async function withoutExcluded(
  { control }: CommandContext,
  wanted: readonly number[] | undefined,
): Promise<number[]> {
  const { ranks } = await control.call('listRanks');
  const excluded = ranks.filter(({ state }) => state === 'excluded').map(({ rank }) => rank);
  return (wanted ?? ranks.map(({ rank }) => rank)).filter((rank) => !excluded.includes(rank));
}

async function each(
  context: CommandContext,
  route: 'excludeRank' | 'clearExcludedRank',
  options: RanksOption,
): Promise<Output> {
  const { control, progress } = context;
  const list = await ranksOf(context, options);
  if (!list) throw new DaosError('DER_INVAL', 'give --ranks or --rank-hosts');
  for (const [count, rank] of list.entries()) {
    progress.report({ count, total: list.length, text: `${count}/${list.length} ranks` });
    await control.call(route, { params: { rank } });
  }
  return { response: { ranks: list }, human: `${list.length} ranks done\n` };
}

async function cleanUp(
  { control }: CommandContext,
  machine: string,
  { verbose }: { verbose?: boolean },
): Promise<Output> {
  const { results } = await control.call('cleanUpMachine', { body: { machine } });
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length > 0) {
    const list = failed.map(({ label, error }) => `pool ${label}: ${error}`).join('; ');
    throw new DaosError('DER_UNREACH', `${failed.length} of ${results.length} failed: ${list}`, {
      action: 'an engine that is away learns of it when it is back; or repeat the command then',
    });
  }
  const pools = verbose === true ? results.map(({ label }) => `${label}\n`).join('') : '';
  const human = `${pools}what ${machine} had open in ${results.length} pools is closed\n`;
  return { response: { machine, results }, human };
}

async function queryLeader({ control }: CommandContext): Promise<Output> {
  const { url, isAlone } = await control.call('getLeader');
  const leader = url ?? (isAlone ? control.url : undefined);
  const human = leader === undefined ? 'no control host acts now\n' : `${leader}\n`;
  return { response: { leader: leader ?? null, isAlone }, human };
}

interface QueryOptions extends RanksOption {
  verbose?: boolean;
  notOk?: boolean;
  withStates?: string;
}

async function querySystem(
  context: CommandContext,
  { notOk, withStates, verbose, ...chosen }: QueryOptions,
): Promise<Output> {
  const { control } = context;
  const wanted = await ranksOf(context, chosen);
  const states = withStates === undefined ? undefined : statesOf(withStates);
  const { ranks: all } = await control.call('listRanks');
  const ranks = all.filter(
    ({ rank, state }) =>
      (wanted?.includes(rank) ?? true) &&
      (states?.includes(state) ?? true) &&
      !(notOk === true && state === 'joined'),
  );
  const unknown = wanted?.filter((one) => !all.some(({ rank }) => rank === one)) ?? [];
  if (unknown.length > 0) {
    throw new DaosError('DER_NONEXIST', `there is no rank ${unknown.join(',')} in the system`);
  }
  const table = verbose === true ? hostTable : rankTable;
  return { response: { ranks }, human: ranks.length > 0 ? table(ranks) : 'no such ranks\n' };
}

function statesOf(text: string): string[] {
  const states = text.toLowerCase().split(',');
  const wrong = states.find((state) => !RANK_STATES.some((known) => known === state));
  if (wrong === undefined) return states;
  const known = RANK_STATES.join(', ');
  throw new DaosError('DER_INVAL', `'${wrong}' is no state of a rank: ${known}`);
}

function hostTable(ranks: readonly RankFields[]): string {
  return formatTable(
    ['Rank', 'Host', 'Server', 'Fault domain', 'State', 'Starts', 'Reason'],
    ranks.map((rank) => [
      ...[rank.rank, rank.host, rank.controlUrl ?? 'the control host', rank.faultDomain],
      ...[rank.state, rank.incarnation, rank.reason ?? ''],
    ]),
  );
}

function rankTable(ranks: readonly RankFields[]): string {
  return formatTable(
    ['Rank', 'State', 'Starts', 'Fault domain', 'Targets', 'Storage', 'Memory', 'Reason'],
    ranks.map((rank) => [
      rank.rank,
      rank.state,
      rank.incarnation,
      rank.faultDomain,
      rank.targetCount,
      formatSize(rank.storageCapacityBytes),
      formatSize(rank.memoryCapacityBytes),
      rank.reason ?? '',
    ]),
  );
}
