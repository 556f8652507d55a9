// The states of a rank.

import type { RankState } from '@daos/model';

/** As maps of pools tell them. */
export const MAP_RANK_STATES = [
  'starting',
  'joined',
  'suspect',
  'excluded',
  'stopped',
  'errored',
] as const satisfies readonly RankState[];

/** `awaitformat`: its devices wait for `dmg storage format`. In maps such a rank is stopped. */
export const RANK_STATES = [...MAP_RANK_STATES, 'awaitformat'] as const;
