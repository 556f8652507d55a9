// `dmg storage`: scan, query list-devices, list-pools and usage, led identify, set nvme-faulty,
// replace nvme.

import { formatSize, type RankDevices } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable, type Cell } from '../table.js';
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
  addDeviceManagement(cli, storage);
  const query = storage.command('query').description('shows what is used of the storage');
  query
    .command('usage')
    .description('shows what pools may take of each rank, and what is free')
    .action(cli.action(usage));
  query
    .command('list-devices')
    .description('shows the devices that pools are kept on: requests, errors, latencies, health')
    .option('-r, --ranks <list>', 'of these ranks, as 0,2,4-6')
    .option('-b, --health', 'also what devices say of themselves')
    .option('-e, --show-evicted', 'those that have failed')
    .action(cli.action(listDevices));
  query
    .command('list-pools')
    .description('shows which pools lie on which devices')
    .option('-r, --rank <rank>', 'of this rank')
    .option('-u, --uuid <uuid>', 'this pool')
    .option('-v, --verbose', 'also the devices')
    .action(cli.action(listStoredPools));
}

function addDeviceManagement(cli: Cli, storage: Command): void {
  const rank = ['-r, --rank <rank>', 'the rank whose device it is'] as const;
  storage
    .command('set')
    .description('sets what is known of devices')
    .command('nvme-faulty <device>')
    .description('gives a device up: its target stops, with all that it serves')
    .requiredOption(...rank)
    .option('-f, --force', 'without it the command only says what would happen')
    .action(cli.action(setFaulty));
  storage
    .command('replace')
    .description('puts new devices in place of faulty ones')
    .command('nvme <device>')
    .description('makes an empty share of its pool in place of what stood on a faulty device')
    .requiredOption(...rank)
    .option('-f, --force', 'what was on it alone may be lost')
    .action(cli.action(replace));
}

interface ManageOptions {
  rank: string;
  force?: boolean;
}

async function setFaulty(
  { control }: CommandContext,
  path: string,
  { rank: text, force }: ManageOptions,
): Promise<Output> {
  const [rank = 0] = parseRanks(text);
  if (force !== true) {
    throw new DaosError(
      'DER_INVAL',
      `the target of rank ${rank} that uses ${path} would stop, with all its pools, until the ` +
        `device is replaced: say --force`,
    );
  }
  await control.call('setDeviceFaulty', { body: { rank, path } });
  return { response: { rank, path }, human: `${path} is faulty from now on\n` };
}

async function replace(
  { control }: CommandContext,
  path: string,
  { rank: text, force }: ManageOptions,
): Promise<Output> {
  const [rank = 0] = parseRanks(text);
  const body = { rank, path, acceptsDataLoss: force === true };
  await control.call('replaceDevice', { body });
  return { response: { rank, path }, human: `${path} is replaced; its target serves again\n` };
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

interface DeviceOptions {
  ranks?: string;
  health?: boolean;
  showEvicted?: boolean;
}

async function listDevices(
  { control }: CommandContext,
  { ranks: list, health, showEvicted }: DeviceOptions,
): Promise<Output> {
  const wanted = list === undefined ? undefined : parseRanks(list);
  const { ranks } = await control.call('listDevices');
  const response = {
    ranks: ranks
      .filter(({ rank }) => wanted?.includes(rank) ?? true)
      .map(({ devices, ...rank }) => ({
        ...rank,
        devices: devices.filter(({ isFaulty }) => showEvicted !== true || isFaulty),
      })),
  };
  const rows = response.ranks.flatMap(({ rank, devices, error }) =>
    error === undefined
      ? devices.map((device) => [rank, ...deviceCells(device, health === true)])
      : [[rank, '', error]],
  );
  const headings = ['Rank', 'Target', 'Device', 'Size', 'State', 'Read', 'Written', 'Errors'];
  const more = health ? ['p99 of reads', 'p99 of writes', 'Health'] : [];
  return {
    response,
    human: rows.length > 0 ? formatTable([...headings, ...more], rows) : 'no devices\n',
  };
}

type Device = RankDevices['devices'][number];

function deviceCells({ operations, ...device }: Device, isHealthWanted: boolean): Cell[] {
  const of = (name: string) => operations.find(({ operation }) => operation === name);
  const errorCount = operations.reduce((sum, { errorCount: count }) => sum + count, 0);
  const cells: Cell[] = [
    device.target,
    device.path,
    formatSize(device.sizeBytes),
    device.isFaulty ? 'FAULTY' : 'NORMAL',
    formatSize(of('read')?.bytes ?? 0),
    formatSize(of('write')?.bytes ?? 0),
    errorCount,
  ];
  if (!isHealthWanted) return cells;
  const latency = (name: string) => `${((of(name)?.p99Ns ?? 0) / 1e6).toFixed(3)} ms`;
  return [...cells, latency('read'), latency('write'), device.failure || healthText(device.health)];
}

function healthText(health: Device['health']): string {
  if (!health.isAvailable) return health.why;
  return (
    `${health.temperatureKelvin - 273} °C, ${health.usedPercent} % of its life used, ` +
    `${health.sparePercent} % spare, ${health.mediaErrorCount} media errors`
  );
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
