// The states of a rank.

import type { RankState } from '@daos/model';

export const RANK_STATES = [
  'starting',
  'joined',
  'suspect',
  'excluded',
  'stopped',
  'errored',
] as const satisfies readonly RankState[];
