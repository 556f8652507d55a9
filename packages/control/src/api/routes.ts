// Every route of the control service. docs/control.md describes them for people, /v1/openapi.json
// for programs.

import { DaosError, ERRORS } from '@daos/model';
import * as z from 'zod';
import { createContainerSchema } from '../containers/create-container.js';
import { changePropertiesSchema } from '../containers/change-properties.js';
import { containerDescriptionSchema } from '../containers/describe-container.js';
import { containerQuerySchema } from '../containers/query-container.js';
import {
  poolDescriptionSchema,
  poolStatusSchema,
  poolSummarySchema,
} from '../pools/describe-pool.js';
import { createPoolSchema } from '../pools/plan.js';
import { poolActivitySchema } from '../pools/pool-metrics.js';
import { resizePoolSchema } from '../pools/resize-pool.js';
import * as attributes from './attribute-routes.js';
import * as console from './console-routes.js';
import * as labels from './label-routes.js';
import { containerParams, flagField, noBody, none, poolParams, USERS } from './parameters.js';
import * as ranks from './rank-routes.js';
import { defineRoute, type Route } from './route.js';
import { lineOf } from './route-lines.js';
import * as security from './security-routes.js';
import * as snapshots from './snapshot-routes.js';
import * as storage from './storage-routes.js';
import * as system from './system-routes.js';

const done = z.object({});

const listPools = defineRoute({
  ...lineOf('listPools'),
  summary: 'All pools, by label',
  roles: USERS,
  params: none,
  query: none,
  body: noBody,
  response: z.object({ pools: z.array(poolSummarySchema) }),
  run: async ({ control, access }) => ({
    pools: await access.seenPools(await control.listPools()),
  }),
});

const createPool = defineRoute({
  ...lineOf('createPool'),
  summary: 'Creates a pool',
  roles: [],
  params: none,
  query: none,
  body: createPoolSchema,
  response: poolDescriptionSchema,
  run: ({ control, body, requestKey }) => control.createPool(body, requestKey),
});

const getPool = defineRoute({
  ...lineOf('getPool'),
  summary: 'A pool and its map: all that a client needs to reach it',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: poolDescriptionSchema,
  run: async ({ control, access, params }) => control.getPool(await access.pool(params.pool)),
});

const queryPool = defineRoute({
  ...lineOf('queryPool'),
  summary: 'The space of a pool, tier by tier and target by target',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: poolStatusSchema,
  run: async ({ control, access, params }) => control.queryPool(await access.pool(params.pool)),
});

const getPoolActivity = defineRoute({
  ...lineOf('getPoolActivity'),
  summary: 'What the targets of a pool did since it was opened: operations, bytes, latencies',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: poolActivitySchema,
  run: async ({ control, access, params }) => control.poolActivity(await access.pool(params.pool)),
});

const resizePool = defineRoute({
  ...lineOf('resizePool'),
  summary: 'Gives the data areas of a pool another size, down to what is used',
  roles: [],
  params: poolParams,
  query: none,
  body: resizePoolSchema,
  response: poolSummarySchema,
  run: ({ control, params, body, report }) => control.resizePool(params.pool, body, report),
});

const destroyPool = defineRoute({
  ...lineOf('destroyPool'),
  summary: 'Destroys a pool; with `recursive` also when it has containers',
  roles: [],
  params: poolParams,
  query: z.strictObject({ recursive: flagField }),
  body: noBody,
  response: done,
  run: async ({ control, params, query, identity: request }) => {
    await control.destroyPool(params.pool, { recursive: query.recursive ?? false, request });
    return {};
  },
});

const listContainers = defineRoute({
  ...lineOf('listContainers'),
  summary: 'The containers of a pool, by label',
  roles: USERS,
  params: poolParams,
  query: none,
  body: noBody,
  response: z.object({ containers: z.array(containerDescriptionSchema) }),
  run: async ({ control, access, params }) => {
    const pool = await access.pool(params.pool);
    return { containers: await control.listContainers(pool, access) };
  },
});

const createContainer = defineRoute({
  ...lineOf('createContainer'),
  summary: 'Creates a container',
  roles: USERS,
  params: poolParams,
  query: none,
  body: createContainerSchema,
  response: containerDescriptionSchema,
  run: async ({ control, access, params, body: asked, requestKey }) => {
    const pool = await access.pool(params.pool, 'c');
    const { caller } = access;
    const body = { ...asked };
    if (asked.origin) {
      const found = await access.container(asked.origin.pool, asked.origin.container, 'r');
      body.origin = { ...asked.origin, pool: found.pool, container: found.container };
    }
    if (caller.isAdministrator) return await control.createContainer(pool, body, requestKey);
    const { user, groups } = caller.identity;
    const { owner = user, ownerGroup = groups[0] ?? user } = body;
    if (owner !== user || (body.ownerGroup !== undefined && !groups.includes(ownerGroup))) {
      const message = 'who creates a container owns it, for a group of theirs';
      throw new DaosError('DER_NO_PERM', message);
    }
    if (user === '') throw new DaosError('DER_NO_PERM', 'a container has an owner: use the agent');
    const owned = { ...body, owner, ownerGroup };
    return await control.createContainer(pool, owned, requestKey);
  },
});

const getContainer = defineRoute({
  ...lineOf('getContainer'),
  summary: 'A container and its properties',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: containerDescriptionSchema,
  run: async ({ control, access, params }) => {
    const names = await access.container(params.pool, params.container, 't', 'r');
    return await control.getContainer(names.pool, names.container);
  },
});

const queryContainer = defineRoute({
  ...lineOf('queryContainer'),
  summary: 'A container with its use of space, its quota and its health',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: containerQuerySchema,
  run: async ({ control, access, params }) => {
    const names = await access.container(params.pool, params.container, 't', 'r');
    return await control.queryContainer(names.pool, names.container);
  },
});

const changeContainerProperties = defineRoute({
  ...lineOf('changeContainerProperties'),
  summary: 'Changes the quota of a container, or says that it is healthy again',
  roles: [],
  params: containerParams,
  query: none,
  body: changePropertiesSchema,
  response: containerDescriptionSchema,
  run: ({ control, params, body }) =>
    control.changeContainerProperties(params.pool, params.container, body),
});

const destroyContainer = defineRoute({
  ...lineOf('destroyContainer'),
  summary: 'Destroys a container and all objects in it',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: done,
  run: async ({ control, access, params, identity }) => {
    const names = await access.container(params.pool, params.container, 'd');
    await control.destroyContainer(names.pool, names.container, identity);
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
  getPoolActivity,
  resizePool,
  destroyPool,
  listContainers,
  createContainer,
  getContainer,
  queryContainer,
  changeContainerProperties,
  destroyContainer,
  ...attributes,
  ...labels,
  ...snapshots,
  ...security,
  ...storage,
  ...console,
  ...system,
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
