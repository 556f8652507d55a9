// Routes that rename pools and containers, and tell the properties of pools.

import * as z from 'zod';
import { containerDescriptionSchema } from '../containers/describe-container.js';
import { labelField, uuidField } from '../records/fields.js';
import { poolPropertiesField, poolPropertyChangesSchema } from '../records/pool-properties.js';
import { containerParams, noBody, none, poolParams, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

/** For whoever may see the pool. */
export const getPoolProperties = defineRoute({
  ...lineOf('getPoolProperties'),
  summary: 'The properties of a pool',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: z
    .object({ label: labelField, owner: z.string(), 'owner-group': z.string() })
    .extend(poolPropertiesField.shape),
  run: async ({ control, access, params }) => {
    const pool = await access.pool(params.pool);
    const { label } = await control.getPool(pool);
    const { owner, ownerGroup } = await control.getPoolOwnership(pool);
    const properties = await control.getPoolProperties(pool);
    return { label, owner, 'owner-group': ownerGroup, ...properties };
  },
});

export const changePoolProperties = defineRoute({
  ...lineOf('changePoolProperties'),
  summary: 'Changes properties of a pool; those that are left out stay as they are',
  roles: [],
  params: poolParams,
  query: none,
  body: poolPropertyChangesSchema,
  response: poolPropertiesField,
  run: async ({ control, params, body }) => await control.changePoolProperties(params.pool, body),
});

const labelBody = z.strictObject({ label: labelField });

export const relabelPool = defineRoute({
  ...lineOf('relabelPool'),
  summary: 'Gives a pool another label',
  roles: [],
  params: poolParams,
  query: none,
  body: labelBody,
  response: z.object({ uuid: uuidField, label: labelField }),
  run: async ({ control, params, body, identity }) =>
    await control.relabelPool(params.pool, body.label, identity),
});

export const relabelContainer = defineRoute({
  ...lineOf('relabelContainer'),
  summary: 'Gives a container another label',
  roles: USERS,
  params: containerParams,
  query: none,
  body: labelBody,
  response: containerDescriptionSchema,
  run: async ({ control, access, params, body, identity }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'T');
    return await control.relabelContainer(pool, container, body.label, identity);
  },
});
