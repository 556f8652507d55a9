// `server-version`: what runs at the other end. For administrators of every server of the system.

import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

export function addServersVersion(cli: Cli): void {
  cli.program
    .command('server-version')
    .description('prints the versions of the servers of the system')
    .action(cli.action(versionsOfServers));
}

export function addServiceVersion(cli: Cli): void {
  cli.program
    .command('server-version')
    .description('prints the version of the control service that answers')
    .action(cli.action(versionOfService));
}

async function versionOfService({ control }: CommandContext): Promise<Output> {
  const { version } = await control.call('getVersion');
  return { response: { component: 'server', version }, human: `server ${version}\n` };
}

async function versionsOfServers({ control }: CommandContext): Promise<Output> {
  const { hosts: scanned } = await control.call('scanStorage');
  if (scanned.length === 0) throw new DaosError('DER_NONEXIST', 'the system has no servers yet');
  const hosts = scanned.map(({ host, ranks, scan, error }) => ({
    ...{ host, ranks, version: scan?.version, error },
  }));
  const rows = hosts.map(({ host, ranks, version, error }) => [
    ...[host, ranks.join(','), version ?? error ?? 'not told'],
  ]);
  return { response: { hosts }, human: formatTable(['Host', 'Ranks', 'Version'], rows) };
}
