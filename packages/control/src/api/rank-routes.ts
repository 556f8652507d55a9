// Routes of ranks: for administrators, and for the servers whose engines they are.

import * as z from 'zod';
import { hostOutcomeSchema, logLevelField } from '../ranks/log-levels.js';
import { joinSchema } from '../ranks/rank-registry.js';
import { rankField } from '../records/fields.js';
import { rankRecord } from '../records/rank-record.js';
import { noBody, none, USERS } from './parameters.js';
import { defineRoute } from './route.js';

const done = z.object({});
/** Of a path, where everything is text. */
const rankParams = z.strictObject({ rank: z.coerce.number().pipe(rankField) });
const ranksBody = z.strictObject({ ranks: z.array(rankField).min(1).optional() });
const outcomes = z.object({
  results: z.array(z.object({ rank: rankField, error: z.string().optional() })),
});

export const listRanks = defineRoute({
  name: 'listRanks',
  method: 'GET',
  path: '/v1/ranks',
  summary: 'The ranks of the system and their states',
  roles: ['server'],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ ranks: z.array(rankRecord.schema) }),
  run: async ({ control }) => ({ ranks: await control.listRanks() }),
});

export const joinRank = defineRoute({
  name: 'joinRank',
  method: 'POST',
  path: '/v1/ranks',
  summary: 'A server says that an engine of its own has started',
  roles: ['server'],
  params: none,
  query: none,
  body: joinSchema,
  response: z.object({ rank: rankRecord.schema, term: z.int() }),
  run: async ({ control, body }) => ({ rank: await control.joinRank(body), term: control.term }),
});

export const leaveRank = defineRoute({
  name: 'leaveRank',
  method: 'POST',
  path: '/v1/ranks/{rank}/leave',
  summary: 'A server says that an engine of its own has ended',
  roles: ['server'],
  params: rankParams,
  query: none,
  body: z.strictObject({ state: z.enum(['stopped', 'errored', 'suspect']), reason: z.string() }),
  response: done,
  run: async ({ control, params, body }) => {
    await control.setRankState(params.rank, body.state, body.reason);
    return {};
  },
});

export const renewRanks = defineRoute({
  name: 'renewRanks',
  method: 'POST',
  path: '/v1/leases',
  summary: 'A server says that engines of its own are running; answers which must join again',
  roles: ['server'],
  isRoutine: true,
  params: none,
  query: none,
  body: z.strictObject({
    ranks: z.array(z.strictObject({ rank: rankField, incarnation: z.int() })),
  }),
  response: z.object({ lost: z.array(rankField), term: z.int() }),
  run: async ({ control, body }) => ({
    lost: await control.renewRanks(body.ranks),
    term: control.term,
  }),
});

export const getLeader = defineRoute({
  name: 'getLeader',
  method: 'GET',
  path: '/v1/system/leader',
  summary: 'Which of several control hosts acts',
  roles: USERS,
  params: none,
  query: none,
  body: noBody,
  response: z.object({
    url: z.string().optional().meta({ description: 'Absent: the host that answers, or nobody' }),
    isAlone: z.boolean(),
  }),
  run: ({ control }) => control.getLeader(),
});

export const getCallerAddress = defineRoute({
  name: 'getCallerAddress',
  method: 'GET',
  path: '/v1/caller/address',
  summary: 'The address by which engines reach the host of the caller: where a client listens',
  roles: USERS,
  params: none,
  query: none,
  body: noBody,
  response: z.object({ address: z.string() }),
  run: async ({ control, callerAddress }) => ({
    address: await control.callerAddress(callerAddress),
  }),
});

export const stopRanks = defineRoute({
  name: 'stopRanks',
  method: 'POST',
  path: '/v1/system/stop',
  summary: 'Stops engines in good order',
  roles: [],
  params: none,
  query: none,
  body: ranksBody,
  response: outcomes,
  run: async ({ control, body }) => ({ results: await control.powerRanks('stop', body.ranks) }),
});

export const startRanks = defineRoute({
  name: 'startRanks',
  method: 'POST',
  path: '/v1/system/start',
  summary: 'Starts engines that were stopped, or whose start had failed',
  roles: [],
  params: none,
  query: none,
  body: ranksBody,
  response: outcomes,
  run: async ({ control, body }) => ({ results: await control.powerRanks('start', body.ranks) }),
});

export const excludeRank = defineRoute({
  name: 'excludeRank',
  method: 'POST',
  path: '/v1/ranks/{rank}/exclude',
  summary: 'Takes a rank out of the pools: their maps get a new version',
  roles: [],
  params: rankParams,
  query: none,
  body: noBody,
  response: done,
  run: async ({ control, params }) => {
    await control.excludeRank(params.rank);
    return {};
  },
});

export const clearExcludedRank = defineRoute({
  name: 'clearExcludedRank',
  method: 'POST',
  path: '/v1/ranks/{rank}/clear-exclude',
  summary: 'Lets an excluded rank in again',
  roles: [],
  params: rankParams,
  query: none,
  body: noBody,
  response: done,
  run: async ({ control, params }) => {
    await control.clearExcludedRank(params.rank);
    return {};
  },
});

export const setLogLevel = defineRoute({
  name: 'setLogLevel',
  method: 'POST',
  path: '/v1/system/log-level',
  summary: 'Sets what servers and engines log, while they run; without a level, as configured',
  roles: [],
  params: none,
  query: none,
  body: z.strictObject({ level: logLevelField.optional() }),
  response: z.object({ hosts: z.array(hostOutcomeSchema) }),
  run: async ({ control, body }) => ({ hosts: await control.setLogLevel(body.level) }),
});
