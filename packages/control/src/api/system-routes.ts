// Routes of the system as a whole: its attributes, its properties, and what serves it.

import * as z from 'zod';
import { changeAttributesSchema } from '../attributes.js';
import type { ControlPlane } from '../control-plane.js';
import { attributesField } from '../records/fields.js';
import {
  systemPropertiesField,
  systemPropertyChangesSchema,
  type SystemProperties,
} from '../records/system-properties.js';
import { CONTROL_VERSION } from '../version.js';
import { noBody, none, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const propertiesSchema = z.object({
  daos_version: z.string(),
  daos_system: z.string(),
  ...systemPropertiesField.shape,
});

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

export const getSystemProperties = defineRoute({
  ...lineOf('getSystemProperties'),
  summary: 'What the system is, and what it takes for that which requests leave open',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: propertiesSchema,
  run: async ({ control }) => described(control, await control.getSystemProperties()),
});

export const changeSystemProperties = defineRoute({
  ...lineOf('changeSystemProperties'),
  summary: 'Sets properties of the system; null takes one back to its default',
  roles: [],
  params: none,
  query: none,
  body: systemPropertyChangesSchema,
  response: propertiesSchema,
  run: async ({ control, body }) => described(control, await control.changeSystemProperties(body)),
});

const described = ({ systemName }: ControlPlane, properties: SystemProperties) => ({
  daos_version: CONTROL_VERSION,
  daos_system: systemName,
  ...properties,
});
