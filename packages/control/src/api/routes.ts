// Every route of the control service. docs/control.md describes them for people, /v1/openapi.json
// for programs.

import { ERRORS } from '@daos/model';
import * as z from 'zod';
import { createContainerSchema } from '../containers/create-container.js';
import { containerDescriptionSchema } from '../containers/describe-container.js';
import {
  poolDescriptionSchema,
  poolStatusSchema,
  poolSummarySchema,
} from '../pools/describe-pool.js';
import { createPoolSchema } from '../pools/plan.js';
import * as attributes from './attribute-routes.js';
import { containerParams, noBody, none, poolParams, USERS } from './parameters.js';
import * as ranks from './rank-routes.js';
import { defineRoute, type Route } from './route.js';

const done = z.object({});
/** Of a query string, where everything is text. */
const flagField = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional();

const listPools = defineRoute({
  name: 'listPools',
  method: 'GET',
  path: '/v1/pools',
  summary: 'All pools, by label',
  roles: USERS,
  params: none,
  query: none,
  body: noBody,
  response: z.object({ pools: z.array(poolSummarySchema) }),
  run: async ({ control }) => ({ pools: await control.listPools() }),
});

const createPool = defineRoute({
  name: 'createPool',
  method: 'POST',
  path: '/v1/pools',
  summary: 'Creates a pool',
  roles: [],
  params: none,
  query: none,
  body: createPoolSchema,
  response: poolDescriptionSchema,
  run: ({ control, body, requestKey }) => control.createPool(body, requestKey),
});

const getPool = defineRoute({
  name: 'getPool',
  method: 'GET',
  path: '/v1/pools/{pool}',
  summary: 'A pool and its map: all that a client needs to reach it',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: poolDescriptionSchema,
  run: ({ control, params }) => control.getPool(params.pool),
});

const queryPool = defineRoute({
  name: 'queryPool',
  method: 'GET',
  path: '/v1/pools/{pool}/status',
  summary: 'The space of a pool, tier by tier and target by target',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: poolStatusSchema,
  run: ({ control, params }) => control.queryPool(params.pool),
});

const destroyPool = defineRoute({
  name: 'destroyPool',
  method: 'DELETE',
  path: '/v1/pools/{pool}',
  summary: 'Destroys a pool; with `recursive` also when it has containers',
  roles: [],
  params: poolParams,
  query: z.strictObject({ recursive: flagField }),
  body: noBody,
  response: done,
  run: async ({ control, params, query }) => {
    await control.destroyPool(params.pool, { recursive: query.recursive ?? false });
    return {};
  },
});

const listContainers = defineRoute({
  name: 'listContainers',
  method: 'GET',
  path: '/v1/pools/{pool}/containers',
  summary: 'The containers of a pool, by label',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: z.object({ containers: z.array(containerDescriptionSchema) }),
  run: async ({ control, params }) => ({ containers: await control.listContainers(params.pool) }),
});

const createContainer = defineRoute({
  name: 'createContainer',
  method: 'POST',
  path: '/v1/pools/{pool}/containers',
  summary: 'Creates a container',
  roles: USERS,
  params: poolParams,
  query: none,
  body: createContainerSchema,
  response: containerDescriptionSchema,
  run: ({ control, params, body, requestKey }) =>
    control.createContainer(params.pool, body, requestKey),
});

const getContainer = defineRoute({
  name: 'getContainer',
  method: 'GET',
  path: '/v1/pools/{pool}/containers/{container}',
  summary: 'A container and its properties',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: containerDescriptionSchema,
  run: ({ control, params }) => control.getContainer(params.pool, params.container),
});

const destroyContainer = defineRoute({
  name: 'destroyContainer',
  method: 'DELETE',
  path: '/v1/pools/{pool}/containers/{container}',
  summary: 'Destroys a container and all objects in it',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: done,
  run: async ({ control, params }) => {
    await control.destroyContainer(params.pool, params.container);
    return {};
  },
});

/** By name; the order is that of the document. */
export const ROUTES = {
  ...ranks,
  listPools,
  createPool,
  getPool,
  queryPool,
  destroyPool,
  listContainers,
  createContainer,
  getContainer,
  destroyContainer,
  ...attributes,
} as const;

export const ROUTE_LIST: readonly Route[] = Object.values(ROUTES) as unknown as Route[];

/** The body of every answer that is not a success. */
export const errorBodySchema = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS]),
    message: z.string(),
    action: z.string().meta({ description: 'What the caller can do about it' }),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;
