// The light of a drive's slot, by which it is found in its machine.
//
// The kernel's hot-plug driver offers it as the attention indicator of the PCI slot that the drive
// sits in; a drive elsewhere, and a file, has none.

import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DaosError } from '@daos/model';

const PCI_ADDRESS = /\/([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})\.[0-7](?=\/)/g;

/** `sysfs`: where the kernel tells of devices. DER_NOSYS for what has no light, and says why. */
export function setDeviceLight(path: string, isOn: boolean, sysfs = '/sys'): void {
  const attention = attentionOf(path, sysfs);
  try {
    writeFileSync(attention, isOn ? '1' : '0');
  } catch (error) {
    const message = `${attention}: ${(error as Error).message}`;
    throw new DaosError('DER_NO_PERM', message, { cause: error });
  }
}

function attentionOf(path: string, sysfs: string): string {
  const real = realpathSync(path);
  if (!statSync(real).isBlockDevice() && sysfs === '/sys') {
    throw new DaosError('DER_NOSYS', `${path} is a file: only a drive in a slot has a light`);
  }
  const device = join(sysfs, 'class/block', basename(real));
  const addresses = existsSync(device)
    ? [...`${realpathSync(device)}/`.matchAll(PCI_ADDRESS)].map(([, address]) => address)
    : [];
  const slots = join(sysfs, 'bus/pci/slots');
  // The nearest to the drive first.
  for (const address of addresses.reverse()) {
    for (const slot of existsSync(slots) ? readdirSync(slots) : []) {
      const attention = join(slots, slot, 'attention');
      if (readText(join(slots, slot, 'address')) === address && existsSync(attention)) {
        return attention;
      }
    }
  }
  throw new DaosError('DER_NOSYS', `${path}: the kernel offers no light for it`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
