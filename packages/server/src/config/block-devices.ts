// The disks of this machine, and whether somebody uses them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const SECTOR_SIZE = 512;
/** blkid's word for a device on which it knows nothing. */
const NOTHING_FOUND = 2;

export interface BlockDevice {
  readonly name: string;
  /** By its identity where the system keeps such names: others change with the order of disks. */
  readonly path?: string | undefined;
  readonly sizeBytes: number;
  /** What lies there, or who has it, for people; absent where nothing is known to. */
  readonly use?: string | undefined;
}

/** Those that pools could lie on. */
export function readBlockDevices(root = '/'): BlockDevice[] {
  const names = readFolder(join(root, 'sys/block')).filter(isDisk);
  return names.map((name) => {
    const use = useOf(root, name);
    return {
      name,
      path: stablePathOf(root, name),
      sizeBytes: Number(readText(join(root, 'sys/block', name, 'size'))) * SECTOR_SIZE,
      ...(use !== undefined && { use }),
    };
  });
}

function isDisk(name: string): boolean {
  return /^(nvme|sd|vd|pmem)/.test(name);
}

function useOf(root: string, name: string): string | undefined {
  const folder = join(root, 'sys/block', name);
  const parts = readFolder(folder).filter((part) => existsSync(join(folder, part, 'partition')));
  const numbers = [folder, ...parts.map((part) => join(folder, part))].map((path) =>
    readText(join(path, 'dev')).trim(),
  );
  const mounts = readText(join(root, 'proc/self/mountinfo')).split('\n');
  const mount = mounts
    .map((line) => line.split(' '))
    .find(([, , number]) => numbers.includes(number ?? ''));
  if (mount) return `mounted at ${mount[4] ?? '?'}`;
  const devices = [name, ...parts].map((part) => `/dev/${part}`);
  const swaps = readText(join(root, 'proc/swaps')).split('\n').map((line) => line.split(/\s/)[0]);
  if (devices.some((device) => swaps.includes(device))) return 'swap';
  const holders = readFolder(join(folder, 'holders'));
  if (holders.length > 0) return `part of ${holders.join(', ')}`;
  if (parts.length > 0) return `${parts.length} partitions`;
  return root === '/' ? contentOf(`/dev/${name}`) : undefined;
}

/** As blkid tells it. Who may not read the device learns nothing. */
function contentOf(path: string): string | undefined {
  const options = { encoding: 'utf8' as const, timeout: 10_000 };
  const { status, stdout } = spawnSync('blkid', ['-p', '-o', 'export', path], options);
  if (status === NOTHING_FOUND || status !== 0) return undefined;
  const found = new Map(stdout.split('\n').map((line) => line.split('=') as [string, string]));
  return found.get('TYPE') ?? (found.has('PTTYPE') ? 'a partition table' : undefined);
}

function stablePathOf(root: string, name: string): string {
  const folder = join(root, 'dev/disk/by-id');
  const device = join(root, 'dev', name);
  const stable = readFolder(folder).find((link) => {
    const path = join(folder, link);
    return existsSync(path) && existsSync(device) && realpathSync(path) === realpathSync(device);
  });
  return stable === undefined ? `/dev/${name}` : `/dev/disk/by-id/${stable}`;
}

function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
