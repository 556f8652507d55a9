// Goal:   a disk that somebody uses is told as such, and no configuration takes it.
// Method: folders that look like /sys, /proc and /dev.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readBlockDevices } from './block-devices.js';
import { chooseDevices } from './choose-devices.js';

const root = mkdtempSync(join(tmpdir(), 'daos-disks-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

for (const [index, name] of ['nvme0n1', 'nvme1n1', 'sda', 'sdb', 'sdc', 'sdd'].entries()) {
  write(`sys/block/${name}/size`, '2097152\n');
  write(`sys/block/${name}/dev`, `8:${index * 16}\n`);
  write(`dev/${name}`);
}
write('sys/block/loop0/size', '0');
write('sys/block/sda/sda1/partition', '1');
write('sys/block/sda/sda1/dev', '8:33');
write('sys/block/sdb/sdb1/partition', '1');
write('sys/block/sdb/sdb1/dev', '8:49');
write('sys/block/sdc/holders/dm-0');
write('proc/self/mountinfo', '22 1 8:33 / /home rw - ext4 /dev/sda1 rw\n');
write('proc/swaps', 'Filename\tType\n/dev/sdd  partition 1 0 -2\n');
mkdirSync(join(root, 'dev/disk/by-id'), { recursive: true });
symlinkSync('../../nvme0n1', join(root, 'dev/disk/by-id/nvme-serial'));

describe('server/block-devices', () => {
  const devices = readBlockDevices(root);

  test('each disk has its size, and what it is used for', () => {
    expect(devices.map(({ name, use }) => [name, use])).toEqual([
      ['nvme0n1', undefined],
      ['nvme1n1', undefined],
      ['sda', 'mounted at /home'],
      ['sdb', '1 partitions'],
      ['sdc', 'part of dm-0'],
      ['sdd', 'swap'],
    ]);
    expect(devices[0]).toMatchObject({ path: '/dev/disk/by-id/nvme-serial', sizeBytes: 2 ** 30 });
    expect(devices[1]?.path).toBe('/dev/nvme1n1');
  });

  test('a configuration gets those that nobody uses, with their roles', () => {
    expect(chooseDevices(devices, 'all', 1)).toEqual([
      [
        { path: '/dev/disk/by-id/nvme-serial', roles: ['wal', 'meta'] },
        { path: '/dev/nvme1n1', roles: ['data'] },
      ],
    ]);
    const everything = ['wal', 'meta', 'data'];
    expect(chooseDevices(devices, 'all', 2)).toEqual([
      [{ path: '/dev/disk/by-id/nvme-serial', roles: everything }],
      [{ path: '/dev/nvme1n1', roles: everything }],
    ]);
    expect(chooseDevices(devices, '/dev/nvme1n1', 1)).toEqual([
      [{ path: '/dev/nvme1n1', roles: everything }],
    ]);
  });

  test('one that is in use, unknown, or too few are refused', () => {
    expect(() => chooseDevices(devices, 'sda', 1)).toThrow('sda is in use: mounted at /home');
    expect(() => chooseDevices(devices, 'sdx', 1)).toThrow('there is no disk sdx here');
    expect(() => chooseDevices(devices, 'nvme0n1', 2)).toThrow('need a disk each at least');
    expect(() => chooseDevices(devices.slice(2), 'all', 1)).toThrow('every disk is in use (sda: ');
  });
});
