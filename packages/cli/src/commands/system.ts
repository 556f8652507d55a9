// `dmg system`: query.

import { formatSize, type RankFields } from '@daos/control/client';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

export function addSystem(cli: Cli): void {
  const system = cli.program.command('system').description('works on the system as a whole');
  system
    .command('query')
    .description('shows the ranks and their states')
    .action(cli.action(querySystem));
}

async function querySystem({ control }: CommandContext): Promise<Output> {
  const response = await control.call('listRanks');
  return { response, human: rankTable(response.ranks) };
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
