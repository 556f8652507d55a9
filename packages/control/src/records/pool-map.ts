// A pool's map as it is sent: to clients, and to engines, which give it to clients.

import type { PoolMap } from '@daos/model';
import * as z from 'zod';
import { addressField, rankField } from './fields.js';
import { targetStateField } from './pool-record.js';
import { MAP_RANK_STATES } from './rank-state.js';

const poolMapTargetSchema = z.object({
  index: z.int(),
  state: targetStateField,
  addresses: z.array(addressField).readonly(),
});

export const poolMapSchema = z.object({
  version: z.int(),
  ranks: z
    .array(
      z.object({
        rank: rankField,
        state: z.enum(MAP_RANK_STATES),
        incarnation: z.int(),
        faultDomain: z.string(),
        targets: z.array(poolMapTargetSchema).readonly(),
      }),
    )
    .readonly(),
}) satisfies z.ZodType<PoolMap>;
