// Fields that several records and requests share.

import { LABEL_SIZE_MAX } from '@daos/model';
import * as z from 'zod';

export const uuidField = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'not a UUID in lower case')
  .meta({ description: 'A UUID in lower case' });

const UUID_IN_ANY_CASE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a name given for a pool or container means its UUID; labels never look like one. */
export function isUuid(name: string): boolean {
  return UUID_IN_ANY_CASE.test(name);
}

export const labelField = z
  .string()
  .min(1, 'a label has at least one character')
  .max(LABEL_SIZE_MAX, `a label has at most ${LABEL_SIZE_MAX} characters`)
  .regex(/^[A-Za-z0-9._:-]+$/, 'a label has letters, digits, and . _ : - alone')
  .refine((label) => !isUuid(label), 'a label must not look like a UUID')
  .meta({ description: 'Name of a pool or container, unique beside its siblings' });

export const rankField = z.int().min(0).max(65_535);
export const bytesField = z.int().min(0);

/** An epoch in decimal: JSON has no numbers of 64 bits. */
export const epochField = z
  .string()
  .regex(/^[1-9]\d{0,19}$/, 'not an epoch: a decimal number from 1 on')
  .refine((text) => !/^\d+$/.test(text) || BigInt(text) < 1n << 64n, 'an epoch has 64 bits')
  .meta({ description: 'A point in time of the data, as a decimal number' });

export const attributesField = z
  .record(z.string().min(1).max(511), z.string().max(65_536))
  .meta({ description: 'Attributes that users set, by name' });

export const addressField = z.object({
  transport: z.enum(['tcp', 'shm', 'verbs', 'local']),
  address: z.string().min(1).max(1024),
});
