// `dmg network`: scan.

import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

/** What engines can use, and what of a host each of them needs. */
const PROVIDERS = ['tcp', 'verbs', 'shm'] as const;
type Provider = (typeof PROVIDERS)[number];

export function addNetwork(cli: Cli): void {
  cli.program
    .command('network')
    .alias('net')
    .description('works on the networks of the hosts')
    .command('scan')
    .description('shows the interfaces that engines could use')
    .option('-p, --provider <name>', `what one of these could use: ${PROVIDERS.join(', ')}; or all`)
    .action(cli.action(scanNetwork));
}

async function scanNetwork(
  { control }: CommandContext,
  { provider }: { provider?: string },
): Promise<Output> {
  const wanted = provider === undefined ? undefined : providersOf(provider);
  const { hosts } = await control.call('scanStorage');
  const response = {
    hosts: hosts.map(({ host, ranks, scan: found, error }) => ({
      ...{ host, ranks, error },
      interfaces: found?.interfaces ?? [],
      rdmaDevices: found?.rdmaDevices ?? [],
    })),
  };
  if (wanted) return byProvider(response.hosts, wanted);
  const rows = response.hosts.flatMap(({ host, interfaces, rdmaDevices, error }) =>
    interfaces.length > 0
      ? interfaces.map(({ name, address }) => [host, name, address, rdmaDevices.join(',')])
      : [[host, '', error ?? '', '']],
  );
  return { response, human: formatTable(['Host', 'Interface', 'Address', 'RDMA'], rows) };
}

function providersOf(text: string): readonly Provider[] {
  const found = PROVIDERS.filter((known) => known === text || text === 'all');
  if (found.length > 0) return found;
  const known = PROVIDERS.join(', ');
  throw new DaosError('DER_INVAL', `engines know no provider '${text}': ${known}, or all`);
}

interface HostNetwork {
  readonly host: string;
  readonly interfaces: readonly { readonly name: string; readonly address: string }[];
  readonly rdmaDevices: readonly string[];
  readonly error: string | undefined;
}

function byProvider(hosts: readonly HostNetwork[], wanted: readonly Provider[]): Output {
  const found = hosts.flatMap(({ host, interfaces, rdmaDevices, error }) => {
    if (error !== undefined) return [{ host, provider: '', device: '', address: error }];
    const of: Record<Provider, readonly { name: string; address: string }[]> = {
      tcp: interfaces,
      verbs: rdmaDevices.map((name) => ({ name, address: '' })),
      shm: [{ name: '', address: 'on this host alone' }],
    };
    return wanted.flatMap((provider) =>
      of[provider].map(({ name, address }) => ({ host, provider, device: name, address })),
    );
  });
  const rows = found.map((one) => [one.host, one.provider, one.device, one.address]);
  const table = formatTable(['Host', 'Provider', 'Device', 'Address'], rows);
  const human = rows.length > 0 ? table : 'no host has what it takes\n';
  return { response: { providers: found }, human };
}
