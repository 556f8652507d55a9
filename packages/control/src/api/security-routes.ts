// Routes of access: lists and owners, what opens a container, and what closes all handles.

import * as z from 'zod';
import { machineEvictionSchema } from '../pools/evict-pool.js';
import { changeAclSchema, ownershipSchema } from '../security/change-acl.js';
import { openContainerSchema } from '../security/open-container.js';
import { containerParams, flagField, noBody, none, poolParams, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

export const getPoolAcl = defineRoute({
  ...lineOf('getPoolAcl'),
  summary: 'Who owns a pool, and who may do what with it',
  roles: [],
  params: poolParams,
  query: none,
  body: noBody,
  response: ownershipSchema,
  run: ({ control, params }) => control.getPoolOwnership(params.pool),
});

export const changePoolAcl = defineRoute({
  ...lineOf('changePoolAcl'),
  summary: 'Changes the access control list or the owner of a pool, all or nothing',
  roles: [],
  params: poolParams,
  query: none,
  body: changeAclSchema,
  response: ownershipSchema,
  run: ({ control, params, body, identity }) =>
    control.changePoolOwnership(params.pool, body, identity),
});

export const evictPool = defineRoute({
  ...lineOf('evictPool'),
  summary: 'Revokes every handle and capability of a pool',
  roles: [],
  params: poolParams,
  query: none,
  body: noBody,
  response: z.object({}),
  run: async ({ control, params }) => {
    await control.evictPool(params.pool);
    return {};
  },
});

export const evictContainer = defineRoute({
  ...lineOf('evictContainer'),
  summary: 'Revokes every handle and capability of a container, and of no other',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: z.object({}),
  run: async ({ control, access, params }) => {
    const names = await access.container(params.pool, params.container, 'd');
    await control.evictContainer(names.pool, names.container);
    return {};
  },
});

export const cleanUpMachine = defineRoute({
  ...lineOf('cleanUpMachine'),
  summary: 'Revokes the handles and capabilities that were given to a machine, pool by pool',
  roles: [],
  params: none,
  query: none,
  body: z.strictObject({ machine: z.string().min(1).max(255) }),
  response: z.object({ results: z.array(machineEvictionSchema) }),
  run: async ({ control, body }) => ({ results: await control.evictMachine(body.machine) }),
});

export const getContainerAcl = defineRoute({
  ...lineOf('getContainerAcl'),
  summary: 'Who owns a container, and who may do what with it',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: ownershipSchema,
  run: async ({ control, access, params }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'a');
    return await control.getContainerOwnership(pool, container);
  },
});

export const changeContainerAcl = defineRoute({
  ...lineOf('changeContainerAcl'),
  summary: 'Changes the access control list or the owner of a container, all or nothing',
  roles: USERS,
  params: containerParams,
  query: none,
  body: changeAclSchema,
  response: ownershipSchema,
  run: async ({ control, access, params, body, identity }) => {
    const { replace, update, delete: removed, owner, ownerGroup } = body;
    const names = [params.pool, params.container] as const;
    const changesOwner = owner !== undefined || ownerGroup !== undefined;
    const changesList = replace !== undefined || update.length > 0 || removed.length > 0;
    if (changesOwner) await access.container(...names, 'o');
    const { pool, container } = changesList
      ? await access.container(...names, 'A')
      : await access.container(...names, 'o', 'A');
    return await control.changeContainerOwnership(pool, container, body, identity);
  },
});

export const openContainer = defineRoute({
  ...lineOf('openContainer'),
  summary: 'What engines have to be shown to open a container',
  roles: USERS,
  params: containerParams,
  query: z.strictObject({ readOnly: flagField }),
  body: noBody,
  response: openContainerSchema,
  run: async ({ control, access, params, query }) => {
    const readOnly = query.readOnly ?? false;
    const right = readOnly ? 'r' : 'w';
    const { pool, container, may } = await access.container(params.pool, params.container, right);
    return await control.openContainer(pool, container, {
      readOnly,
      mayRead: may('r'),
      machine: access.caller.machine,
    });
  },
});
