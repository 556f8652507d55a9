// What the store holds about the system as a whole. Absent until something of it is set.

import * as z from 'zod';
import { attributesField } from './fields.js';
import { RecordType } from './record.js';
import { systemPropertiesField } from './system-properties.js';

export const systemRecord = new RecordType({
  name: 'system',
  migrations: [(fields) => ({ ...fields, properties: {} })],
  schema: z.object({
    attributes: attributesField,
    /** Those that were set: of the others the defaults hold. */
    properties: systemPropertiesField.partial(),
  }),
});

export const SYSTEM_KEY = '/system';
