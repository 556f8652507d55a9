// `dmg config generate`: a configuration for a server, made for the machine it runs on.

import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';

interface GenerateOptions {
  host?: string;
  dataDirectory: string;
  port: string;
  devices?: string;
}

export function addConfig(cli: Cli): void {
  cli.program
    .command('config')
    .description('works on the configuration of servers')
    .command('generate')
    .description('prints a configuration for a host of the system, by what its server sees of it')
    .option('--host <name>', 'which one, as storage scan names it; the first when left out')
    .option('-d, --data-directory <path>', 'where the data will lie', '/var/lib/daos')
    .option('-p, --port <number>', 'port of the control service', '10001')
    .option('--devices <list>', 'disks for the pools, as nvme0n1,nvme1n1, or all that are unused')
    .action(cli.action(generate));
}

async function generate(
  { control }: CommandContext,
  { host: name, dataDirectory, port, devices }: GenerateOptions,
): Promise<Output> {
  const { hosts } = await control.call('scanStorage');
  const found = name === undefined ? hosts[0] : hosts.find(({ host }) => host === name);
  if (!found) {
    throw new DaosError('DER_NONEXIST', `no host '${name ?? ''}': see 'dmg storage scan'`);
  }
  if (!found.scan) {
    const why = found.error ?? 'tells nothing of itself';
    throw new DaosError('DER_UNREACH', `${found.host}: ${why}`);
  }
  const { generateConfig } = await import('@daos/server/generate-config');
  const config = generateConfig(found.scan, { dataDirectory, port: portOf(port), devices });
  return { response: { host: found.host, config }, human: config };
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new DaosError('DER_INVAL', `'${text}' is no port`);
}
