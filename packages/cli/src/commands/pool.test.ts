// Goal:   whoever looks at a pool sees which of its targets have stopped, and why.
// Method: what the control service answers, as text for people.
import { expect, test } from '@jest/globals';
import type { PoolStatus } from '@daos/control/client';
import type { CommandContext } from '../cli.js';
import { queryPool } from './pool.js';

const TIER = { totalBytes: 64, freeBytes: 32, targetFreeBytesMin: 32, imbalancePercent: 0 };
const NOTHING = { totalBytes: 0, usedBytes: 0 };

const STATUS = {
  ...{ uuid: 'u', label: 'tank', state: 'ready', sizeBytes: 64, ranks: [0], targetCount: 2 },
  ...{ mapVersion: 1, createdMs: 0, containerCount: 0, arena: TIER, data: TIER },
  targets: [
    { rank: 0, index: 0, state: 'up', arena: NOTHING, data: NOTHING },
    { rank: 0, index: 1, state: 'up', arena: NOTHING, data: NOTHING, failure: 'version 9' },
  ],
  unreachableRanks: [],
} as unknown as PoolStatus;

test('cli/pool: a query names the targets that have stopped, with the reason', async () => {
  const context = { control: { call: async () => STATUS } } as unknown as CommandContext;
  const { human } = await queryPool(context, 'tank', {});
  expect(human).toMatch(/^Target 1 of rank 0: +stopped: version 9$/m);
  expect(human).not.toContain('Target 0');
});
