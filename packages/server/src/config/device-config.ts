// The devices of an engine, as a configuration file names them.

import { DEVICE_ROLES, type DeviceRole } from '@daos/control/engine-control';
import * as z from 'zod';

const SPDK_PREFIX = 'spdk:';
/** What the roles of one device may be; data beside a log without its metadata gains nothing. */
const ROLE_SETS = ['wal,meta,data', 'wal,meta', 'meta,data', 'wal', 'meta', 'data'];
const DEVICE_COUNT_MAX = 64;

export const deviceSchema = z.strictObject({
  /** A block device, a file of fixed size that is used as if it were one, or `spdk:NAME`. */
  path: z
    .string()
    .max(4096)
    .refine((path) => path.startsWith('/') || path.startsWith(SPDK_PREFIX), {
      error: 'must be an absolute path, or spdk:NAME',
    }),
  /** All three when left out, which only a device that is alone may do. */
  roles: z.array(z.enum(DEVICE_ROLES)).min(1).optional(),
});

export const devicesSchema = z
  .array(deviceSchema)
  .min(1)
  .max(DEVICE_COUNT_MAX)
  .transform((devices, context) => {
    const issue = (message: string, path: (string | number)[] = []) => {
      context.addIssue({ code: 'custom', path, message });
    };
    const seen = new Set<string>();
    const complete = devices.map(({ path, roles }, index) => {
      if (seen.has(path)) issue(`${path} is named twice`, [index, 'path']);
      seen.add(path);
      if (!roles && devices.length > 1) issue('of several devices each has its roles', [index]);
      const known = DEVICE_ROLES.filter((role) => roles?.includes(role) ?? true);
      if (!ROLE_SETS.includes(known.join())) {
        issue(`roles are one of ${ROLE_SETS.join('; ')}`, [index, 'roles']);
      }
      return { path, roles: known as readonly DeviceRole[] };
    });
    for (const role of DEVICE_ROLES) {
      if (complete.some(({ roles }) => roles.includes(role))) continue;
      issue(`no device has the role ${role}`);
    }
    return complete;
  });

const PCI_ADDRESS = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/** For devices `spdk:NAME`. docs/spdk.md */
export const spdkSchema = (sizeField: z.ZodType<number>) =>
  z.strictObject({
    /** Controllers that SPDK may take from the kernel, as 0000:01:00.0; it looks at no others. */
    pci_allowed: z
      .array(z.string().regex(PCI_ADDRESS, 'must be a PCI address as 0000:01:00.0'))
      .default([]),
    huge_pages: z.boolean().default(true),
    memory: sizeField.optional(),
    /** What SPDK's configuration files hold: `subsystems: […]`. */
    configuration: z.looseObject({ subsystems: z.array(z.unknown()) }).optional(),
  });

export function isSpdk(path: string): boolean {
  return path.startsWith(SPDK_PREFIX);
}
