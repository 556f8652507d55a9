// What the store holds about the system as a whole. Absent until something of it is set.

import * as z from 'zod';
import { attributesField } from './fields.js';
import { RecordType } from './record.js';

export const systemRecord = new RecordType({
  name: 'system',
  migrations: [],
  schema: z.object({ attributes: attributesField }),
});

export const SYSTEM_KEY = '/system';
