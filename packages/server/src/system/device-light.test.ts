// Method: a folder in the shape of the kernel's, since drives in slots are rare where tests run.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { setDeviceLight } from './device-light.js';

const sysfs = mkdtempSync(join(tmpdir(), 'daos-sysfs-'));
afterAll(() => rmSync(sysfs, { recursive: true }));

function addDrive(name: string, pci: string): string {
  const place = join(sysfs, 'devices/pci0000:00', pci, 'nvme', name);
  mkdirSync(place, { recursive: true });
  mkdirSync(join(sysfs, 'class/block'), { recursive: true });
  symlinkSync(place, join(sysfs, 'class/block', name));
  const drive = join(sysfs, name);
  writeFileSync(drive, '');
  return drive;
}

function addSlot(number: string, address: string): string {
  const slot = join(sysfs, 'bus/pci/slots', number);
  mkdirSync(slot, { recursive: true });
  writeFileSync(join(slot, 'address'), `${address}\n`);
  writeFileSync(join(slot, 'attention'), '0');
  return join(slot, 'attention');
}

describe('server/device-light', () => {
  test('the light of the slot that a drive sits in goes on and off, and no other', () => {
    const drive = addDrive('nvme0n1', '0000:00:1d.0/0000:3b:00.0');
    const light = addSlot('12', '0000:3b:00');
    const other = addSlot('13', '0000:3c:00');
    setDeviceLight(drive, true, sysfs);
    expect([light, other].map((file) => readFileSync(file, 'utf8'))).toEqual(['1', '0']);
    setDeviceLight(drive, false, sysfs);
    expect(readFileSync(light, 'utf8')).toBe('0');
  });

  test('a drive without a slot, and a file, are said to have none', () => {
    const drive = addDrive('nvme1n1', '0000:00:1e.0/0000:aa:00.0');
    expect(() => setDeviceLight(drive, true, sysfs)).toThrow(/offers no light/);
    expect(() => setDeviceLight(drive, true)).toThrow(/is a file: only a drive in a slot/);
  });
});
