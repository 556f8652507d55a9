// Changes what the servers and engines of the system log, while they run.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { rankField } from '../records/fields.js';
import { ranksByServer } from './rank-registry.js';

export const logLevelField = z.enum(['debug', 'info', 'warning', 'error', 'off']);
export type LogLevelName = z.infer<typeof logLevelField>;

export const hostOutcomeSchema = z.object({
  host: z.string(),
  ranks: z.array(rankField),
  error: z.string().optional(),
});
export type HostOutcome = z.infer<typeof hostOutcomeSchema>;

/** Every server is told, whatever comes of the others. Without a level: as it is configured. */
export async function setLogLevel(
  context: ControlContext,
  level: LogLevelName | undefined,
): Promise<HostOutcome[]> {
  const { setLogLevel: tell } = context.engines;
  if (!tell) throw new DaosError('DER_NOSYS', 'an embedded system logs as its program says');
  const servers = await ranksByServer(context);
  return await Promise.all(
    servers.map(async (ranks) => {
      const [first] = ranks;
      const host = { host: first?.host ?? '', ranks: ranks.map(({ rank }) => rank) };
      try {
        if (first) await tell(first.rank, level);
        return host;
      } catch (error) {
        return { ...host, error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}
