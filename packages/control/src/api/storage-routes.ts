// Routes of storage: what the hosts have, and what pools have taken of it.

import * as z from 'zod';
import { hostStorageSchema, rankUsageSchema } from '../engines/host-scan.js';
import { noBody, none } from './parameters.js';
import { defineRoute } from './route.js';

export const scanStorage = defineRoute({
  name: 'scanStorage',
  method: 'GET',
  path: '/v1/storage/hosts',
  summary: 'What the machines of the system have: devices, memory, cores, network',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ hosts: z.array(hostStorageSchema) }),
  run: async ({ control }) => ({ hosts: await control.scanHosts() }),
});

export const queryUsage = defineRoute({
  name: 'queryUsage',
  method: 'GET',
  path: '/v1/storage/usage',
  summary: 'What pools may take of each rank, and what is free of it, by tier',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ ranks: z.array(rankUsageSchema) }),
  run: async ({ control }) => ({ ranks: await control.rankUsage() }),
});
