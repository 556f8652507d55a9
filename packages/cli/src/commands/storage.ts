// `dmg storage`: scan, query list-pools and usage, led identify; format, and what is done with
// single devices, are files of their own.

import { formatSize, type RankUsage } from '@daos/control/client';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';
import { addDeviceManagement, healthText, listDevices } from './devices.js';
import { addFormat } from './format.js';
import { parseRanks } from './parse.js';

export function addStorage(cli: Cli): void {
  const storage = cli.program
    .command('storage')
    .alias('sto')
    .description('works on the storage of the system');
  storage
    .command('scan')
    .description('shows what the machines of the system have')
    .option('-n, --nvme-health', 'also what the devices that pools are kept on say of themselves')
    .action(cli.action(scan));
  storage
    .command('led')
    .description('works on the lights of drives')
    .command('identify <device>')
    .description('lights up the slot of a device, as list-devices names it')
    .requiredOption('-r, --rank <rank>', 'the rank whose device it is')
    .option('--reset', 'puts the light out')
    .action(cli.action(identify));
  addFormat(cli, storage);
  addDeviceManagement(cli, storage);
  const query = storage.command('query').description('shows what is used of the storage');
  query
    .command('usage')
    .description('shows what pools may take of each rank, and what is free')
    .option('-u, --show-usable', 'also how large a pool would be that took all that is free')
    .action(cli.action(usage));
  query
    .command('list-devices')
    .description('shows the devices that pools are kept on: requests, errors, latencies, health')
    .option('-r, --ranks <list>', 'of these ranks, as 0,2,4-6')
    .option('-b, --health', 'also what devices say of themselves')
    .option('-e, --show-evicted', 'those that have failed')
    .option('-u, --uuid <uuid>', 'this device, of those that engines were given')
    .action(cli.action(listDevices));
  query
    .command('list-pools')
    .description('shows which pools lie on which devices')
    .option('-r, --rank <rank>', 'of this rank')
    .option('-u, --uuid <uuid>', 'this pool')
    .option('-v, --verbose', 'also the devices')
    .action(cli.action(listStoredPools));
}

async function identify(
  { control }: CommandContext,
  path: string,
  { rank: text, reset }: { rank: string; reset?: boolean },
): Promise<Output> {
  const [rank = 0] = parseRanks(text);
  const isOn = reset !== true;
  await control.call('identifyDevice', { body: { rank, path, isOn } });
  const human = `the light of ${path} is ${isOn ? 'on' : 'off'}\n`;
  return { response: { rank, path, isOn }, human };
}

async function scan(
  { control }: CommandContext,
  { nvmeHealth }: { nvmeHealth?: boolean },
): Promise<Output> {
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
  const table = formatTable(headings, rows);
  if (nvmeHealth !== true) return { response, human: table };
  const { ranks } = await control.call('listDevices');
  const devices = ranks.flatMap(({ rank, devices: of }) =>
    of.map(({ path, isFaulty, failure, health }) => ({ rank, path, isFaulty, failure, health })),
  );
  const healths = devices.map(({ rank, path, failure, health }) => [
    ...[rank, path, failure || healthText(health)],
  ]);
  const below = formatTable(['Rank', 'Device', 'Health'], healths);
  return { response: { ...response, devices }, human: `${table}\n${below}` };
}

type Disk = { name: string; sizeBytes: number; use?: string | undefined };

function listOf(disks: readonly Disk[]): string {
  return disks
    .map(({ name, sizeBytes, use }) => `${name} ${formatSize(sizeBytes)} (${use ?? 'unused'})`)
    .join(', ');
}

async function usage(
  { control }: CommandContext,
  { showUsable }: { showUsable?: boolean },
): Promise<Output> {
  const response = await control.call('queryUsage');
  const rows = response.ranks.map(({ rank, host, storage, memory, usable }) => [
    rank,
    host,
    formatSize(storage.totalBytes),
    formatSize(storage.freeBytes),
    usedPercent(storage),
    formatSize(memory.totalBytes),
    formatSize(memory.freeBytes),
    usedPercent(memory),
    ...(showUsable ? [formatSize(usable.arenaBytes), formatSize(usable.dataBytes)] : []),
  ]);
  const tier = (name: string) => [`${name} total`, `${name} free`, `${name} used`];
  const more = showUsable ? ['Usable for metadata', 'Usable for data'] : [];
  const headings = ['Rank', 'Host', ...tier('Storage'), ...tier('Memory'), ...more];
  return { response, human: formatTable(headings, rows) + tierTable(response.ranks) };
}

/** Of engines with devices of their own. */
function tierTable(ranks: readonly RankUsage[]): string {
  const rows = ranks.flatMap(({ rank, tiers = [] }) =>
    tiers.map(({ roles, ...bytes }) => [
      ...[rank, roles.join(', '), formatSize(bytes.totalBytes), formatSize(bytes.freeBytes)],
      usedPercent(bytes),
    ]),
  );
  const headings = ['Rank', 'Devices for', 'Total', 'Free', 'Used'];
  return rows.length > 0 ? `\n${formatTable(headings, rows)}` : '';
}

function usedPercent({ totalBytes, freeBytes }: { totalBytes: number; freeBytes: number }): string {
  return totalBytes === 0 ? '' : `${Math.round((1 - freeBytes / totalBytes) * 100)} %`;
}

interface StoredPoolsOptions {
  rank?: string;
  uuid?: string;
  verbose?: boolean;
}

async function listStoredPools(
  { control }: CommandContext,
  { rank: only, uuid, verbose }: StoredPoolsOptions,
): Promise<Output> {
  const wanted = only === undefined ? undefined : parseRanks(only);
  const { ranks } = await control.call('listDevices');
  const { pools } = await control.call('listPools');
  const labels = new Map(pools.map(({ uuid: pool, label }) => [pool, label]));
  const stored = ranks
    .filter(({ rank }) => wanted?.includes(rank) ?? true)
    .flatMap(({ rank, devices }) => {
      const found = [...new Set(devices.map(({ pool }) => pool))];
      return found.map((pool) => {
        const parts = devices.filter((device) => device.pool === pool);
        const targets = [...new Set(parts.map(({ target }) => target))];
        const paths = parts.map(({ path }) => path);
        return { rank, pool, label: labels.get(pool) ?? '', targets, devices: paths };
      });
    })
    .filter(({ pool }) => (uuid ?? pool) === pool);
  const rows = stored.map(({ rank, pool, label, targets, devices }) => [
    ...[rank, pool, label, targets.join(',')],
    ...(verbose === true ? [devices.join(' ')] : []),
  ]);
  const headings = ['Rank', 'UUID', 'Pool', 'Targets', ...(verbose === true ? ['Devices'] : [])];
  const human = rows.length > 0 ? formatTable(headings, rows) : 'no pools\n';
  return { response: { pools: stored }, human };
}
