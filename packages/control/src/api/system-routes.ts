// Routes of the system as a whole: its attributes, and what serves it.

import * as z from 'zod';
import { changeAttributesSchema } from '../attributes.js';
import { attributesField } from '../records/fields.js';
import { CONTROL_VERSION } from '../version.js';
import { noBody, none, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const attributesSchema = z.object({ attributes: attributesField });

export const getVersion = defineRoute({
  ...lineOf('getVersion'),
  summary: 'The version of the control service that answers',
  roles: USERS,
  params: none,
  query: none,
  body: noBody,
  response: z.object({ version: z.string() }),
  run: async () => ({ version: CONTROL_VERSION }),
});

export const getSystemAttributes = defineRoute({
  ...lineOf('getSystemAttributes'),
  summary: 'The attributes that administrators set on the system',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: attributesSchema,
  run: async ({ control }) => ({ attributes: await control.getSystemAttributes() }),
});

export const changeSystemAttributes = defineRoute({
  ...lineOf('changeSystemAttributes'),
  summary: 'Sets and deletes attributes of the system, all or none',
  roles: [],
  params: none,
  query: none,
  body: changeAttributesSchema,
  response: attributesSchema,
  run: async ({ control, body, identity }) => ({
    attributes: await control.changeSystemAttributes(body, identity),
  }),
});
