// What pools may take of the devices that an engine was given.

import type { DeviceGroup, OwnDevice } from '@daos/control';

interface DeviceCapacity {
  readonly deviceGroups?: DeviceGroup[];
  readonly storageCapacityBytes?: number;
}

/** Nothing where pools lie in the engine's data directory. */
export function capacityOf(devices: readonly OwnDevice[]): DeviceCapacity {
  if (devices.length === 0) return {};
  const groups = new Map<string, DeviceGroup>();
  for (const { roles, bytesPerTarget } of devices) {
    const key = roles.join();
    const known = groups.get(key)?.bytesPerTarget ?? Number.MAX_SAFE_INTEGER;
    groups.set(key, { roles: [...roles], bytesPerTarget: Math.min(known, bytesPerTarget) });
  }
  const deviceGroups = [...groups.values()];
  const targetCount = new Set(devices.flatMap(({ targets }) => targets)).size;
  const perTarget = deviceGroups.reduce((sum, { bytesPerTarget }) => sum + bytesPerTarget, 0);
  return { deviceGroups, storageCapacityBytes: targetCount * perTarget };
}
