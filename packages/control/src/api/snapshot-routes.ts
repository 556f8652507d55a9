// Routes of snapshots of containers.

import * as z from 'zod';
import { createSnapshotSchema, snapshotSchema } from '../snapshots/snapshot.js';
import { containerParams, nameField, noBody, none, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const snapshotParams = containerParams.extend({
  snapshot: nameField.meta({ description: 'Name, or epoch in decimal or after 0x' }),
});

export const listSnapshots = defineRoute({
  ...lineOf('listSnapshots'),
  summary: 'The snapshots of a container, the oldest first',
  roles: USERS,
  params: containerParams,
  query: none,
  body: noBody,
  response: z.object({ snapshots: z.array(snapshotSchema) }),
  run: async ({ control, access, params }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'r');
    return { snapshots: await control.listSnapshots(pool, container) };
  },
});

export const createSnapshot = defineRoute({
  ...lineOf('createSnapshot'),
  summary: 'Pins the present state of a container',
  roles: USERS,
  params: containerParams,
  query: none,
  body: createSnapshotSchema,
  response: snapshotSchema,
  run: async ({ control, access, params, body, requestKey }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'w');
    return await control.createSnapshot(pool, container, body, requestKey);
  },
});

export const getSnapshot = defineRoute({
  ...lineOf('getSnapshot'),
  summary: 'A snapshot, by name or epoch',
  roles: USERS,
  params: snapshotParams,
  query: none,
  body: noBody,
  response: snapshotSchema,
  run: async ({ control, access, params }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'r');
    return await control.getSnapshot(pool, container, params.snapshot);
  },
});

export const destroySnapshot = defineRoute({
  ...lineOf('destroySnapshot'),
  summary: 'Gives a snapshot up: what it alone kept goes in the background',
  roles: USERS,
  params: snapshotParams,
  query: none,
  body: noBody,
  response: z.object({}),
  run: async ({ control, access, params, identity }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'w');
    await control.destroySnapshot(pool, container, params.snapshot, identity);
    return {};
  },
});

export const rollbackContainer = defineRoute({
  ...lineOf('rollbackContainer'),
  summary: 'Takes a container back to its latest snapshot: what came later is gone',
  roles: USERS,
  params: containerParams,
  query: none,
  body: z.strictObject({ snapshot: nameField }),
  response: snapshotSchema,
  run: async ({ control, access, params, body, identity }) => {
    const { pool, container } = await access.container(params.pool, params.container, 'w');
    return await control.rollbackContainer(pool, container, body.snapshot, identity);
  },
});
