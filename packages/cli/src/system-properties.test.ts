// Goal:   a property of the system does what it says to pools that are created after it was set,
//         and what would have no effect is refused by its name.
// Method: dmg on a real server.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeDmg } from './dmg.js';
import { TestSystem } from './system-fixture.js';

let system: TestSystem;
beforeAll(async () => void (system = await TestSystem.start()));
afterAll(async () => system?.stop());
beforeEach(async () => void (await dmg('system', 'erase', '--force')));

const dmg = (...parameters: string[]) => system.run(makeDmg, parameters);
const jsonOf = async (...parameters: string[]) => {
  const { output } = await dmg('--json', ...parameters);
  return (JSON.parse(output) as { response: Record<string, unknown> }).response;
};
const create = async (label: string, ...parameters: string[]) =>
  expect(await dmg('pool', 'create', label, ...parameters)).toMatchObject({ status: 0 });

describe('cli/system-properties', () => {
  test('they are shown with their units, all or some of them', async () => {
    const { output } = await dmg('system', 'get-prop');
    expect(output).toMatch(/^daos_version +\d+\.\d+/m);
    expect(output).toMatch(/^daos_system +daos_server$/m);
    expect(output).toMatch(/^pool_tier_ratio +6 %$/m);
    expect(await jsonOf('system', 'get-prop', 'pool_reclaim,pool_space_rb')).toEqual({
      ...{ pool_reclaim: 'time', pool_space_rb: 0 },
    });
    const unknown = await dmg('system', 'get-prop', 'pool_recalim');
    expect([unknown.status, unknown.errors]).toEqual([3, expect.stringContaining('pool_reclaim')]);
  });

  test('pools get them that are created later without their own', async () => {
    await create('before', '--size', '128MiB');
    const set = await dmg('system', 'set-prop', 'pool_reclaim:lazy,pool_space_rb:25%');
    expect([set.status, set.output]).toEqual([0, expect.stringMatching(/pool_space_rb +25 %/)]);
    await create('plain', '--size', '128MiB');
    await create('own', '--size', '128MiB', '--properties', 'reclaim:disabled');
    const properties = await Promise.all(
      ['before', 'plain', 'own'].map((pool) => jsonOf('pool', 'get-prop', pool)),
    );
    const reclaims = properties.map(({ reclaim, space_rb }) => [reclaim, space_rb]);
    expect(reclaims).toEqual([
      ['time', 0],
      ['lazy', 25],
      ['disabled', 25],
    ]);
  });

  test('the tier ratio decides how pools divide their size', async () => {
    const arenaOf = async (pool: string) => {
      const { arena } = await system.admin().call('queryPool', { params: { pool } });
      return Math.ceil(arena.totalBytes / 2 ** 20);
    };
    await dmg('system', 'set-prop', 'pool_tier_ratio:50%');
    await create('half', '--size', '256MiB');
    await create('quarter', '--size', '256MiB', '--tier-ratio', '25%');
    expect([await arenaOf('half'), await arenaOf('quarter')]).toEqual([128, 64]);
  });

  test('attributes leave properties alone, and an erased system has neither', async () => {
    await dmg('system', 'set-attr', 'site:north');
    await dmg('system', 'set-prop', 'pool_reclaim:disabled');
    expect((await dmg('system', 'get-attr', 'site')).output).toContain('north');
    await dmg('system', 'set-attr', 'site:south');
    const reclaim = () => jsonOf('system', 'get-prop', 'pool_reclaim');
    expect(await reclaim()).toEqual({ pool_reclaim: 'disabled' });
    await dmg('system', 'erase', '--force');
    expect(await reclaim()).toEqual({ pool_reclaim: 'time' });
  });

  test.each([
    ['pool_recliam:lazy', /unknown key 'pool_recliam': did you mean 'pool_reclaim'\?/],
    ['pool_reclaim:often', /pool_reclaim: .*"time"\|"lazy"\|"disabled"/],
    ['pool_tier_ratio:200%', /pool_tier_ratio: .*100/],
    ['pool_space_rb:much', /'much' is not a share in percent/],
    ['daos_version:9', /daos_version: tells what runs, and cannot be set/],
    ['self_heal:exclude', /self_heal: nothing moves data on its own: .*'dmg system exclude'/],
    ['pool_scrub_mode:timed', /pool_scrub_mode: nothing scrubs pools here/],
  ])('%s is refused, and says why', async (properties, why) => {
    const { status, errors } = await dmg('system', 'set-prop', properties);
    expect([status, errors]).toEqual([2, expect.stringMatching(why)]);
  });
});
