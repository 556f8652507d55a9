// Routes of ranks: for administrators, and for the servers whose engines they are.

import * as z from 'zod';
import { hostOutcomeSchema, logLevelField } from '../ranks/log-levels.js';
import { joinSchema } from '../ranks/rank-registry.js';
import { rankField } from '../records/fields.js';
import { rankRecord } from '../records/rank-record.js';
import { noBody, none, USERS } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

const done = z.object({});
/** Of a path, where everything is text. */
const rankParams = z.strictObject({ rank: z.coerce.number().pipe(rankField) });
const ranksBody = z.strictObject({ ranks: z.array(rankField).min(1).optional() });
const outcomes = z.object({
  results: z.array(z.object({ rank: rankField, error: z.string().optional() })),
});

export const listRanks = defineRoute({
  ...lineOf('listRanks'),
  summary: 'The ranks of the system and their states',
  roles: ['server'],
  params: none,
  query: none,
  body: noBody,
  response: z.object({ ranks: z.array(rankRecord.schema) }),
  run: async ({ control }) => ({ ranks: await control.listRanks() }),
});

export const joinRank = defineRoute({
  ...lineOf('joinRank'),
  summary: 'A server says that an engine of its own has started',
  roles: ['server'],
  params: none,
  query: none,
  body: joinSchema,
  response: z.object({ rank: rankRecord.schema, term: z.int() }),
  run: async ({ control, body }) => ({ rank: await control.joinRank(body), term: control.term }),
});

export const awaitFormat = defineRoute({
  ...lineOf('awaitFormat'),
  summary: 'A server says that an engine of its own waits for its devices to be formatted',
  roles: ['server'],
  params: none,
  query: none,
  body: joinSchema.extend({ reason: z.string() }),
  response: done,
  run: async ({ control, body: { reason, ...request } }) => {
    await control.awaitFormat(request, reason);
    return {};
  },
});

export const formatStorage = defineRoute({
  ...lineOf('formatStorage'),
  summary: 'Formats the devices of engines that wait for it, blank ones unless forced; starts them',
  roles: [],
  params: none,
  query: none,
  body: ranksBody.extend({ force: z.boolean().optional() }),
  response: outcomes,
  run: async ({ control, body: { ranks, force }, report }) => ({
    results: await control.formatStorage(
      { ...(ranks && { ranks }), isForced: force === true },
      report,
    ),
  }),
});

export const leaveRank = defineRoute({
  ...lineOf('leaveRank'),
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
  ...lineOf('renewRanks'),
  summary: 'A server says that engines of its own are running; answers which must join again',
  roles: ['server'],
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
  ...lineOf('getLeader'),
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
  ...lineOf('getCallerAddress'),
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
  ...lineOf('stopRanks'),
  summary: 'Stops engines in good order, or, with `force`, at once',
  roles: [],
  params: none,
  query: none,
  body: ranksBody.extend({ force: z.boolean().optional() }),
  response: outcomes,
  run: async ({ control, body: { ranks, force }, report }) => ({
    results: await control.powerRanks(force === true ? 'kill' : 'stop', ranks, report),
  }),
});

export const startRanks = defineRoute({
  ...lineOf('startRanks'),
  summary: 'Starts engines that were stopped, or whose start had failed',
  roles: [],
  params: none,
  query: none,
  body: ranksBody,
  response: outcomes,
  run: async ({ control, body, report }) => ({
    results: await control.powerRanks('start', body.ranks, report),
  }),
});

export const excludeRank = defineRoute({
  ...lineOf('excludeRank'),
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
  ...lineOf('clearExcludedRank'),
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
  ...lineOf('setLogLevel'),
  summary: 'Sets what servers and engines log, while they run; without a level, as configured',
  roles: [],
  params: none,
  query: none,
  body: z.strictObject({ level: logLevelField.optional() }),
  response: z.object({ hosts: z.array(hostOutcomeSchema) }),
  run: async ({ control, body }) => ({ hosts: await control.setLogLevel(body.level) }),
});
