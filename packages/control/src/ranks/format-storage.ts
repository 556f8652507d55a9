// Formats the devices of engines that wait for it, and starts them.

import { DaosError } from '@daos/model';
import type { ControlContext } from '../control-context.js';
import { countDone, type ReportProgress } from '../work-progress.js';
import type { RankOutcome } from './power-ranks.js';
import { listRanks } from './rank-registry.js';

export interface FormatStorageRequest {
  /** Left out: those that wait for it. */
  readonly ranks?: readonly number[];
  /** Whatever lies on the devices is lost. Without it they have to be blank. */
  readonly isForced: boolean;
}

/** Every rank is tried, whatever the others do. */
export async function formatStorage(
  context: ControlContext,
  { ranks, isForced }: FormatStorageRequest,
  report?: ReportProgress,
): Promise<RankOutcome[]> {
  const known = await listRanks(context);
  const waiting = known.filter(({ state }) => state === 'awaitformat').map(({ rank }) => rank);
  const wanted = ranks ?? waiting;
  const done = countDone(wanted.length, 'ranks', report);
  return await Promise.all(
    wanted.map(async (rank) => {
      try {
        if (!waiting.includes(rank)) throw notWaiting(known.find((each) => each.rank === rank));
        const { formatStorage: format } = context.engines;
        if (!format) throw new DaosError('DER_NOSYS', 'nothing is formatted in an embedded system');
        await format(rank, { isForced });
        return { rank };
      } catch (error) {
        return { rank, error: error instanceof Error ? error.message : String(error) };
      } finally {
        done();
      }
    }),
  );
}

function notWaiting(rank: { state: string } | undefined): DaosError {
  if (!rank) return new DaosError('DER_NONEXIST', 'there is no such rank');
  const message = `it is ${rank.state}: only ranks in state awaitformat are formatted`;
  return new DaosError('DER_ALREADY', message);
}
