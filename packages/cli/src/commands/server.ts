// `dmg server`: set-logmasks.

import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

/** DAOS's names, and ours. */
const LEVELS = {
  debug: 'debug',
  dbug: 'debug',
  info: 'info',
  note: 'info',
  warning: 'warning',
  warn: 'warning',
  error: 'error',
  err: 'error',
  crit: 'error',
  alrt: 'error',
  emrg: 'error',
  fatal: 'error',
  off: 'off',
} as const;

export function addServer(cli: Cli): void {
  cli.program
    .command('server')
    .alias('srv')
    .description('works on the servers of the system')
    .command('set-logmasks')
    .alias('slm')
    .description('sets what servers and engines log, while they run')
    .option('-m, --masks <level>', 'DEBUG, INFO, WARN, ERR or OFF; as configured when left out')
    .action(cli.action(setLogMasks));
}

async function setLogMasks(
  { control }: CommandContext,
  { masks }: { masks?: string },
): Promise<Output> {
  const body = masks === undefined ? {} : { level: levelOf(masks) };
  const response = await control.call('setLogLevel', { body });
  const failed = response.hosts.filter(({ error }) => error !== undefined);
  if (failed.length > 0) {
    const list = failed.map(({ host, error }) => `${host}: ${error}`).join('; ');
    throw new DaosError('DER_MISC', `${failed.length} of ${response.hosts.length} failed: ${list}`);
  }
  const rows = response.hosts.map(({ host, ranks }) => [host, ranks.join(',')]);
  return { response, human: formatTable(['Host', 'Ranks'], rows) };
}

function levelOf(text: string): (typeof LEVELS)[keyof typeof LEVELS] {
  const name = text.toLowerCase();
  if (Object.hasOwn(LEVELS, name)) return LEVELS[name as keyof typeof LEVELS];
  throw new DaosError('DER_INVAL', `'${text}' is no level: DEBUG, INFO, WARN, ERR or OFF`);
}
