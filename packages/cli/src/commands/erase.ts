// `dmg system erase`: all that users have made, so that the system is as a new one.

import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';

export function addErase(cli: Cli, system: Command): void {
  system
    .command('erase')
    .description('destroys all pools with all that is in them, and the attributes of the system')
    .option('-f, --force', 'without it the command only says what would be lost')
    .action(cli.action(erase));
}

async function erase(
  { control, progress }: CommandContext,
  { force }: { force?: boolean },
): Promise<Output> {
  const { pools } = await control.call('listPools');
  const { attributes } = await control.call('getSystemAttributes');
  const names = Object.keys(attributes);
  const labels = pools.map(({ label }) => label);
  if (force !== true) {
    const what = `${pools.length} pools (${labels.join(', ') || 'none'}) with all that is in them`;
    throw new DaosError('DER_INVAL', `${what} would be lost: say --force`);
  }
  for (const [count, { uuid, label }] of pools.entries()) {
    progress.report({ count, total: pools.length, text: `destroying ${label}` });
    await control.call('destroyPool', { params: { pool: uuid }, query: { recursive: 'true' } });
  }
  if (names.length > 0) {
    await control.call('changeSystemAttributes', { body: { delete: names } });
  }
  const body = { pool_reclaim: null, pool_space_rb: null, pool_tier_ratio: null };
  await control.call('changeSystemProperties', { body });
  const human = `${pools.length} pools and ${names.length} attributes are gone\n`;
  return { response: { pools: labels, attributes: names }, human };
}
