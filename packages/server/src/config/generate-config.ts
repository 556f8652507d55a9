// Inspects the machine and writes a configuration that starts on it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, freemem, networkInterfaces, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatSize } from '@daos/control/client';
import { readBlockDevices, type BlockDevice } from './block-devices.js';
import { chooseDevices, type ChosenDevice } from './choose-devices.js';

export interface Machine {
  readonly coreCount: number;
  /** Cores of each NUMA node. */
  readonly numaNodes: readonly (readonly number[])[];
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly hugePageCount: number;
  readonly interfaces: readonly { readonly name: string; readonly address: string }[];
  readonly rdmaDevices: readonly string[];
  readonly blockDevices: readonly BlockDevice[];
}

export function inspectMachine(): Machine {
  return {
    coreCount: availableParallelism(),
    numaNodes: readNumaNodes(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    hugePageCount: Number(/HugePages_Free:\s+(\d+)/.exec(readText('/proc/meminfo'))?.[1] ?? 0),
    interfaces: Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? [])
        .filter((a) => a.family === 'IPv4')
        .map(({ address }) => ({ name, address })),
    ),
    rdmaDevices: readFolder('/sys/class/infiniband'),
    blockDevices: readBlockDevices(),
  };
}

export interface GenerateOptions {
  readonly dataDirectory: string;
  readonly port: number;
  /** Disks for the pools, with commas between them, or `all` that nobody uses; none if left out. */
  readonly devices?: string | undefined;
}

/** One engine per NUMA node, a target for every core but one. */
export function generateConfig(machine: Machine, options: GenerateOptions): string {
  const nodes = machine.numaNodes.length > 0 ? machine.numaNodes : [[]];
  const coresPerNode = Math.floor(machine.coreCount / nodes.length);
  const targetCount = Math.max(1, coresPerNode - 1);
  const memory = Math.floor(machine.memoryBytes / 2 / nodes.length / 2 ** 20);
  const transports = machine.rdmaDevices.length > 0 ? 'shm, verbs, tcp' : 'shm, tcp';
  const { devices: wanted } = options;
  const chosen =
    wanted === undefined ? [] : chooseDevices(machine.blockDevices, wanted, nodes.length);
  const engines = nodes.map((cores, rank) => {
    const pinned =
      nodes.length > 1 ? `\n    pin_cores: [${cores.slice(0, targetCount).join(', ')}]` : '';
    return `  - rank: ${rank}
    targets: ${targetCount}
    transports: [${transports}]
    address: 127.0.0.1${pinned}
    storage:
      memory: ${memory}MiB
${storageOf(chosen[rank])}`;
  });
  return `${describeMachine(machine)}
name: daos_server
data_directory: ${options.dataDirectory}

control:
  address: 127.0.0.1
  port: ${options.port}
  # Without certificates the service listens on loopback alone.
  insecure: true

engines:
${engines.join('\n')}
`;
}

function storageOf(devices: readonly ChosenDevice[] | undefined): string {
  if (!devices) {
    const why = 'Zeros go to all of a new data area once; then first writes cost no more.';
    return `      # ${why}\n      prewrite: { enabled: true }`;
  }
  const lines = devices.map(({ path, roles }) => {
    return `        - { path: ${path}, roles: [${roles.join(', ')}] }`;
  });
  return `      # Nothing is written there before 'dmg storage format'.
      devices:\n${lines.join('\n')}`;
}

function describeMachine(machine: Machine): string {
  const list = (items: readonly string[]) => items.join(', ') || 'none';
  return [
    `# ${machine.coreCount} cores in ${Math.max(1, machine.numaNodes.length)} NUMA nodes, ` +
      `${formatSize(machine.memoryBytes)} of memory, ${machine.hugePageCount} free huge pages`,
    `# network: ${list(machine.interfaces.map((i) => `${i.name} ${i.address}`))}`,
    `# RDMA devices: ${list(machine.rdmaDevices)}`,
    `# disks: ${list(machine.blockDevices.map(describeDisk))}`,
  ].join('\n');
}

function readNumaNodes(): number[][] {
  const root = '/sys/devices/system/node';
  return readFolder(root)
    .filter((name) => /^node\d+$/.test(name))
    .map((name) => parseCoreList(readText(join(root, name, 'cpulist')).trim()))
    .filter((cores) => cores.length > 0);
}

/** `0-3,8` → 0, 1, 2, 3, 8. */
export function parseCoreList(text: string): number[] {
  if (text === '') return [];
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function describeDisk({ name, sizeBytes, use }: BlockDevice): string {
  return `${name} ${formatSize(sizeBytes)}${use === undefined ? '' : ` (${use})`}`;
}

function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
