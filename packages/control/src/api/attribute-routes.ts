// Routes of attributes of pools and containers.

import * as z from 'zod';
import { changeAttributesSchema } from '../attributes.js';
import { attributesField } from '../records/fields.js';
import { containerParams, noBody, none, poolParams, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const attributesSchema = z.object({ attributes: attributesField });

export const getPoolAttributes = defineRoute({
  ...lineOf('getPoolAttributes'),
  summary: 'The attributes that users set on a pool',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: attributesSchema,
  run: async ({ control, access, params }) => ({
    attributes: await control.getPoolAttributes(await access.pool(params.pool)),
  }),
});

export const changePoolAttributes = defineRoute({
  ...lineOf('changePoolAttributes'),
  summary: 'Sets and deletes attributes of a pool, all or none',
  roles: USERS,
  params: poolParams,
  query: none,
  body: changeAttributesSchema,
  response: attributesSchema,
  run: async ({ control, access, params, body, identity }) => {
    const pool = await access.pool(params.pool, 'c', 'd');
    return { attributes: await control.changePoolAttributes(pool, body, identity) };
  },
});

export const getContainerAttributes = defineRoute({
  ...lineOf('getContainerAttributes'),
  summary: 'The attributes that users set on a container',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: attributesSchema,
  run: async ({ control, access, params }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'r');
    return { attributes: await control.getContainerAttributes(pool, container) };
  },
});

export const changeContainerAttributes = defineRoute({
  ...lineOf('changeContainerAttributes'),
  summary: 'Sets and deletes attributes of a container, all or none',
  roles: USERS,
  params: containerParams,
  query: none,
  body: changeAttributesSchema,
  response: attributesSchema,
  run: async ({ control, access, params, body, identity: request }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'w');
    const attributes = await control.changeContainerAttributes(pool, container, body, request);
    return { attributes };
  },
});
