// Routes of storage: what the hosts have, and what pools have taken of it.

import * as z from 'zod';
import { hostStorageSchema, rankUsageSchema } from '../engines/host-scan.js';
import { rankDevicesSchema } from '../ranks/list-devices.js';
import { rankField } from '../records/fields.js';
import { metricFamilySchema, readMetrics } from '../service/metrics.js';
import { noBody, none } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const deviceBody = z.strictObject({ rank: rankField, path: z.string().min(1).max(4096) });

export const scanStorage = defineRoute({
  ...lineOf('scanStorage'),
  summary: 'What the machines of the system have: devices, memory, cores, network',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ hosts: z.array(hostStorageSchema) }),
  run: async ({ control }) => ({ hosts: await control.scanHosts() }),
});

export const getMetrics = defineRoute({
  ...lineOf('getMetrics'),
  summary: 'What /metrics tells, as JSON; `names` chooses families, with commas between them',
  roles: ['server'],
  params: none,
  query: z.strictObject({ names: z.string().min(1).max(4096).optional() }),
  body: noBody,
  response: z.object({ families: z.array(metricFamilySchema) }),
  run: async ({ control, query }) => ({
    families: await readMetrics(control, query.names?.split(',')),
  }),
});

export const listDevices = defineRoute({
  ...lineOf('listDevices'),
  summary: 'The devices that engines keep pools on: requests, errors, latencies, health',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ ranks: z.array(rankDevicesSchema) }),
  run: async ({ control }) => ({ ranks: await control.listDevices() }),
});

export const identifyDevice = defineRoute({
  ...lineOf('identifyDevice'),
  summary: 'Lights up the slot that a device sits in, or puts the light out',
  roles: [],
  params: none,
  query: none,
  body: deviceBody.extend({ isOn: z.boolean() }),
  response: z.object({}),
  run: async ({ control, body }) => {
    await control.identifyDevice(body.rank, body.path, body.isOn);
    return {};
  },
});

export const setDeviceFaulty = defineRoute({
  ...lineOf('setDeviceFaulty'),
  summary: 'Gives a device up: its target stops, and stays so until the device is replaced',
  roles: [],
  params: none,
  query: none,
  body: deviceBody,
  response: z.object({}),
  run: async ({ control, body }) => {
    await control.setDeviceFaulty(body.rank, body.path);
    return {};
  },
});

export const replaceDevice = defineRoute({
  ...lineOf('replaceDevice'),
  summary: 'Makes an empty share of its pool in place of what stood on a faulty device',
  roles: [],
  params: none,
  query: none,
  body: deviceBody.extend({ acceptsDataLoss: z.boolean() }),
  response: z.object({}),
  run: async ({ control, body }) => {
    await control.replaceDevice(body.rank, body.path, body.acceptsDataLoss);
    return {};
  },
});

export const queryUsage = defineRoute({
  ...lineOf('queryUsage'),
  summary: 'What pools may take of each rank, and what is free of it, by tier',
  roles: [],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ ranks: z.array(rankUsageSchema) }),
  run: async ({ control }) => ({ ranks: await control.rankUsage() }),
});
