// `dmg storage`: scan, query usage.

import { formatSize } from '@daos/control/client';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

export function addStorage(cli: Cli): void {
  const storage = cli.program.command('storage').description('works on the storage of the system');
  storage
    .command('scan')
    .description('shows what the machines of the system have')
    .action(cli.action(scan));
  storage
    .command('query')
    .description('shows what is used of the storage')
    .command('usage')
    .description('shows what pools may take of each rank, and what is free')
    .action(cli.action(usage));
}

async function scan({ control }: CommandContext): Promise<Output> {
  const response = await control.call('scanStorage');
  const rows = response.hosts.map(({ host, ranks, scan: found, error }) => [
    host,
    ranks.join(','),
    found?.coreCount ?? '',
    found ? formatSize(found.memoryBytes) : '',
    found?.hugePageCount ?? '',
    found?.interfaces.map(({ name, address }) => `${name} ${address}`).join(', ') ?? '',
    found ? listOf(found.blockDevices) : (error ?? ''),
  ]);
  const headings = ['Host', 'Ranks', 'Cores', 'Memory', 'Huge pages', 'Network', 'Devices'];
  return { response, human: formatTable(headings, rows) };
}

function listOf(devices: readonly { name: string; sizeBytes: number }[]): string {
  return devices.map(({ name, sizeBytes }) => `${name} ${formatSize(sizeBytes)}`).join(', ');
}

async function usage({ control }: CommandContext): Promise<Output> {
  const response = await control.call('queryUsage');
  const rows = response.ranks.map(({ rank, host, storage, memory }) => [
    rank,
    host,
    formatSize(storage.totalBytes),
    formatSize(storage.freeBytes),
    usedPercent(storage),
    formatSize(memory.totalBytes),
    formatSize(memory.freeBytes),
    usedPercent(memory),
  ]);
  const tier = (name: string) => [`${name} total`, `${name} free`, `${name} used`];
  const headings = ['Rank', 'Host', ...tier('Storage'), ...tier('Memory')];
  return { response, human: formatTable(headings, rows) };
}

function usedPercent({ totalBytes, freeBytes }: { totalBytes: number; freeBytes: number }): string {
  return totalBytes === 0 ? '' : `${Math.round((1 - freeBytes / totalBytes) * 100)} %`;
}
