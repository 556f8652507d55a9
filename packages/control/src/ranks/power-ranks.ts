// Stops and starts the engines of ranks, wherever their servers are.

import { DaosError } from '@daos/model';
import type { ControlContext } from '../control-context.js';
import { countDone, type ReportProgress } from '../work-progress.js';
import { listRanks } from './rank-registry.js';

/** `kill` stops engines that do not stop in good order, as one that hangs. */
export type PowerAction = 'start' | 'stop' | 'kill';

/** What came of one rank: nothing, or why it failed. */
export interface RankOutcome {
  readonly rank: number;
  readonly error?: string;
}

/** Every rank is tried, whatever the others do. `ranks` left out: all. */
export async function powerRanks(
  context: ControlContext,
  action: PowerAction,
  ranks?: readonly number[],
  report?: ReportProgress,
): Promise<RankOutcome[]> {
  const known = (await listRanks(context)).map(({ rank }) => rank);
  const wanted = ranks ?? known;
  const done = countDone(wanted.length, 'ranks', report);
  return await Promise.all(
    wanted.map(async (rank) => {
      try {
        if (!known.includes(rank)) throw new DaosError('DER_NONEXIST', 'there is no such rank');
        const power = powerOf(context);
        if (action === 'start') await power.start(rank);
        else await power.stop(rank, { isForced: action === 'kill' });
        return { rank };
      } catch (error) {
        return { rank, error: error instanceof Error ? error.message : String(error) };
      } finally {
        done();
      }
    }),
  );
}

function powerOf({ engines }: ControlContext) {
  if (engines.power) return engines.power;
  throw new DaosError('DER_NOSYS', 'the engines of an embedded system are not started and stopped');
}
