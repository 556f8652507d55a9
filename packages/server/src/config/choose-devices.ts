// Which disks of a machine the engines of a new configuration get, and for what.

import type { DeviceRole } from '@daos/control/engine-control';
import { DaosError } from '@daos/model';
import type { BlockDevice } from './block-devices.js';

export interface ChosenDevice {
  readonly path: string;
  readonly roles: readonly DeviceRole[];
}

/**
 * `wanted`: names or paths with commas between them, or `all` that nobody uses. Engine by engine.
 * DER_INVAL for one that is in use, unknown, or where there are fewer than engines.
 */
export function chooseDevices(
  known: readonly BlockDevice[],
  wanted: string,
  engineCount: number,
): ChosenDevice[][] {
  const names = wanted.split(',');
  const chosen = wanted === 'all' ? unused(known) : names.map((name) => find(known, name));
  if (chosen.length < engineCount) {
    const message = `${engineCount} engines, one for each NUMA node, need a disk each at least`;
    throw new DaosError('DER_INVAL', `${message}; there are ${chosen.length}`);
  }
  return Array.from({ length: engineCount }, (_, engine) =>
    withRoles(chosen.filter((_device, index) => index % engineCount === engine)),
  );
}

/** A device that is alone has all roles; else the first has log and metadata, the others data. */
function withRoles(devices: readonly BlockDevice[]): ChosenDevice[] {
  return devices.map(({ name, path = `/dev/${name}` }, index) => {
    if (devices.length === 1) return { path, roles: ['wal', 'meta', 'data'] };
    return { path, roles: index === 0 ? ['wal', 'meta'] : ['data'] };
  });
}

function unused(known: readonly BlockDevice[]): BlockDevice[] {
  const free = known.filter(({ use }) => use === undefined);
  if (free.length > 0) return free;
  const uses = known.map(({ name, use }) => `${name}: ${use ?? ''}`).join('; ');
  throw new DaosError('DER_INVAL', `every disk is in use (${uses || 'there is none'})`);
}

function find(known: readonly BlockDevice[], name: string): BlockDevice {
  const device = known.find((each) => [each.name, each.path, `/dev/${each.name}`].includes(name));
  if (!device) {
    const names = known.map((each) => each.name).join(', ') || 'none';
    throw new DaosError('DER_INVAL', `there is no disk ${name} here: there are ${names}`);
  }
  if (device.use === undefined) return device;
  throw new DaosError('DER_INVAL', `${name} is in use: ${device.use}`);
}
