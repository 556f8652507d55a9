// `dmg storage format`: the devices of engines that wait for it.

import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { failWithThose, RANK_HOSTS, ranksOf, type RanksOption } from './system.js';

export function addFormat(cli: Cli, storage: Command): void {
  storage
    .command('format')
    .description('formats the devices of engines that wait for it, and starts them')
    .option('-r, --ranks <list>', 'of these ranks, as 0,2,4-6; of all that wait when left out')
    .option(...RANK_HOSTS)
    .option('-f, --force', 'whatever lies on the devices is lost; else they have to be blank')
    .action(cli.action(format));
}

interface FormatOptions extends RanksOption {
  force?: boolean;
}

async function format(context: CommandContext, options: FormatOptions): Promise<Output> {
  const ranks = await ranksOf(context, options);
  const { results } = await context.control.call('formatStorage', {
    body: { ...(ranks && { ranks }), force: options.force === true },
  });
  failWithThose(results);
  const none = 'no engine waits for its devices to be formatted\n';
  const human = results.length > 0 ? `${results.length} ranks: formatted, and started\n` : none;
  return { response: { results }, human };
}
