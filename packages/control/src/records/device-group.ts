// What pools may take of the devices of a rank that have the same roles.

import * as z from 'zod';
import { bytesField } from './fields.js';

export const DEVICE_ROLES = ['wal', 'meta', 'data'] as const;
export const deviceRoleField = z
  .enum(DEVICE_ROLES)
  .meta({ description: 'What lies there: the log, metadata, bulk data' });
export type DeviceRole = z.infer<typeof deviceRoleField>;

export const deviceGroupSchema = z.object({
  roles: z.array(deviceRoleField).min(1),
  bytesPerTarget: bytesField.meta({ description: 'Of the target that has least' }),
});
export type DeviceGroup = z.infer<typeof deviceGroupSchema>;
