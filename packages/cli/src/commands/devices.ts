// `dmg storage query list-devices`, `set nvme-faulty` and `replace nvme`: single devices.

import { formatSize, type RankDevices } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable, type Cell } from '../table.js';
import { parseRanks } from './parse.js';

export function addDeviceManagement(cli: Cli, storage: Command): void {
  const rank = ['-r, --rank <rank>', 'the rank whose device it is'] as const;
  const uuid = ['-u, --uuid <uuid>', 'the device, as list-devices names it'] as const;
  storage
    .command('set')
    .description('sets what is known of devices')
    .command('nvme-faulty [device]')
    .description('gives a device up: its targets stop, with all that they serve')
    .option(...rank)
    .option(...uuid)
    .option('-f, --force', 'without it the command only says what would happen')
    .action(cli.action(setFaulty));
  storage
    .command('replace')
    .description('puts new devices in place of faulty ones')
    .command('nvme [device]')
    .description('makes empty shares of pools in place of what stood on a faulty device')
    .option(...rank)
    .option('-u, --old-uuid <uuid>', 'the device, as list-devices names it')
    .option('-f, --force', 'what was on it alone may be lost')
    .action(cli.action(replace));
}

interface ManageOptions {
  rank?: string;
  uuid?: string;
  oldUuid?: string;
  force?: boolean;
}

/** By rank and path, or by the UUID of a device that an engine was given. */
async function findDevice(
  { control }: CommandContext,
  path: string | undefined,
  { rank: text, uuid }: ManageOptions,
): Promise<{ rank: number; path: string }> {
  if (path !== undefined && text !== undefined && uuid === undefined) {
    const [rank = 0] = parseRanks(text);
    return { rank, path };
  }
  if (path !== undefined || uuid === undefined) {
    throw new DaosError('DER_INVAL', 'name the device by its path and --rank, or by its UUID');
  }
  const { ranks } = await control.call('listDevices');
  for (const { rank, ownDevices } of ranks) {
    const device = ownDevices.find((own) => own.uuid === uuid);
    if (device) return { rank, path: device.path };
  }
  const message = `no engine has a device ${uuid}: see 'dmg storage query list-devices'`;
  throw new DaosError('DER_NONEXIST', message);
}

async function setFaulty(
  context: CommandContext,
  device: string | undefined,
  options: ManageOptions,
): Promise<Output> {
  const { control } = context;
  const { rank, path } = await findDevice(context, device, options);
  if (options.force !== true) {
    throw new DaosError(
      'DER_INVAL',
      `what uses ${path} of rank ${rank} would stop, with all its pools, until the ` +
        `device is replaced: say --force`,
    );
  }
  await control.call('setDeviceFaulty', { body: { rank, path } });
  return { response: { rank, path }, human: `${path} is faulty from now on\n` };
}

async function replace(
  context: CommandContext,
  device: string | undefined,
  { oldUuid, ...options }: ManageOptions,
): Promise<Output> {
  const { control } = context;
  const named = oldUuid === undefined ? options : { ...options, uuid: oldUuid };
  const { rank, path } = await findDevice(context, device, named);
  const body = { rank, path, acceptsDataLoss: options.force === true };
  await control.call('replaceDevice', { body });
  return { response: { rank, path }, human: `${path} is replaced; its targets serve again\n` };
}

interface DeviceOptions {
  ranks?: string;
  health?: boolean;
  showEvicted?: boolean;
  uuid?: string;
}

export async function listDevices(
  { control }: CommandContext,
  { ranks: list, health, showEvicted, uuid }: DeviceOptions,
): Promise<Output> {
  const wanted = list === undefined ? undefined : parseRanks(list);
  const { ranks } = await control.call('listDevices');
  const response = {
    ranks: ranks
      .filter(({ rank }) => wanted?.includes(rank) ?? true)
      .map(({ devices, ownDevices, ...rank }) => {
        const own = ownDevices
          .filter(({ state }) => showEvicted !== true || state !== 'normal')
          .filter((device) => uuid === undefined || device.uuid === uuid);
        const isWanted = ({ path }: Device) =>
          uuid === undefined || own.some((device) => device.path === path);
        return {
          ...rank,
          ownDevices: own,
          devices: devices
            .filter(({ isFaulty }) => showEvicted !== true || isFaulty)
            .filter(isWanted),
        };
      }),
  };
  const rows = response.ranks.flatMap(({ rank, devices, error }) =>
    error === undefined
      ? devices.map((device) => [rank, ...deviceCells(device, health === true)])
      : [[rank, '', error]],
  );
  const headings = ['Rank', 'Target', 'Device', 'Size', 'State', 'Read', 'Written', 'Errors'];
  const more = health ? ['p99 of reads', 'p99 of writes', 'Health'] : [];
  const own = ownDeviceTable(response.ranks);
  const parts = rows.length > 0 ? formatTable([...headings, ...more], rows) : '';
  return { response, human: own + (own && parts && '\n') + parts || 'no devices\n' };
}

/** What engines were given; beneath it the other table says what each target did there. */
function ownDeviceTable(ranks: readonly Pick<RankDevices, 'rank' | 'ownDevices'>[]): string {
  const rows = ranks.flatMap(({ rank, ownDevices }) =>
    ownDevices.map(({ path, uuid, roles, targets, sizeBytes, state, why }) => [
      ...[rank, path, uuid, roles.join(', '), targets.join(','), formatSize(sizeBytes)],
      ...[state.toUpperCase(), why],
    ]),
  );
  const headings = ['Rank', 'Device', 'UUID', 'For', 'Targets', 'Size', 'State', 'Reason'];
  return rows.length > 0 ? formatTable(headings, rows) : '';
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

export function healthText(health: Device['health']): string {
  if (!health.isAvailable) return health.why;
  return (
    `${health.temperatureKelvin - 273} °C, ${health.usedPercent} % of its life used, ` +
    `${health.sparePercent} % spare, ${health.mediaErrorCount} media errors`
  );
}
