// `dmg system set-prop` and `get-prop`.

import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { parsePercent, parseProperties } from './parse.js';
import { propertiesOutput } from './properties.js';

export function addSystemProperties(cli: Cli, system: Command): void {
  system
    .command('get-prop [names]')
    .alias('getprop')
    .description('shows the properties of the system, or those of these names')
    .action(cli.action(getProperties));
  system
    .command('set-prop <properties>')
    .alias('setprop')
    .description('changes properties: pool_reclaim:lazy,pool_space_rb:5%,pool_tier_ratio:6%')
    .action(cli.action(setProperties));
}

/** Shares of something, in percent. */
const PERCENTAGES = ['pool_space_rb', 'pool_tier_ratio'];

async function getProperties({ control }: CommandContext, names?: string): Promise<Output> {
  return shown(await control.call('getSystemProperties'), names);
}

async function setProperties({ control }: CommandContext, text: string): Promise<Output> {
  const entries = Object.entries(parseProperties(text)).map(([name, value]) => [
    name,
    PERCENTAGES.includes(name) ? parsePercent(value) : value,
  ]);
  // The service checks names and values, and says which are wrong.
  const body = Object.fromEntries(entries) as never;
  return shown(await control.call('changeSystemProperties', { body }));
}

function shown(properties: Readonly<Record<string, string | number>>, names?: string): Output {
  const withUnits = Object.entries(properties).map(([name, value]) => [
    name,
    PERCENTAGES.includes(name) ? `${value} %` : value,
  ]);
  const { response } = propertiesOutput(properties, names);
  return { response, human: propertiesOutput(Object.fromEntries(withUnits), names).human };
}
