// Goal:   a container stays usable for longer than its capability lives, also when its engine
//         starts anew; and a capability that is not renewed opens nothing after its end.
// Method: a real system with certificates whose capabilities live three seconds; the engine is
//         killed when they have ended.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import type { ControlClient } from '@daos/control/client';
import { makeObjectId, type PoolDirectory } from '@daos/model';
import { userInfo } from 'node:os';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

const LIFE_S = 3;
const MIB = 2 ** 20;
const OID = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });

let system: TestSystem;
let admin: ControlClient;

beforeAll(async () => {
  system = await TestSystem.start({ isSecure: true, control: `capability_life: ${LIFE_S}` });
  admin = system.admin();
  const owner = `${userInfo().username}@`;
  await admin.call('createPool', { body: { label: 'p', size: 256 * MIB, owner } });
  const body = { label: 'c', owner, acl: ['A::OWNER@:rw'] };
  await admin.call('createContainer', { params: { pool: 'p' }, body });
});

afterAll(async () => {
  await system.stop();
});

/** Gives what it gave first, for ever. */
function forgetful(): PoolDirectory {
  let first: ReturnType<ControlClient['openContainer']> | undefined;
  return {
    getPool: (pool) => admin.getPool(pool),
    getContainer: (pool, container) => admin.getContainer(pool, container),
    openContainer: (pool, container, { readOnly }) =>
      (first ??= admin.openContainer(pool, container, { readOnly })),
  };
}

async function restartEngine(): Promise<void> {
  const [pid = 0] = system.enginePids();
  process.kill(pid, 'SIGKILL');
  await until(() => {
    const [next] = system.enginePids();
    return next !== undefined && next !== pid ? next : undefined;
  });
  await until(async () => {
    const { ranks } = await admin.call('listRanks');
    return ranks.every(({ state }) => state === 'joined') || undefined;
  });
}

test('cli/capability-renewal: an open container outlives its capability', async () => {
  await using client = await Client.connect({ control: system.clientControl });
  await using pool = await client.openPool('p');
  await using container = await pool.openContainer('c');
  const object = container.object(OID);
  await object.update('k', 'a', 'before');
  await using other = await Client.connect({ control: forgetful() });
  await using otherPool = await other.openPool('p');
  await using expired = await otherPool.openContainer('c');
  const first = container.share().container.capability;
  await new Promise((resolve) => setTimeout(resolve, (LIFE_S + 1) * 1000));
  expect(container.share().container.capability).not.toBe(first);
  // What is open stays open.
  await expired.object(OID).update('k', 'a', 'between');
  await restartEngine();
  await pool.refresh();
  await otherPool.refresh();
  await object.update('k', 'a', 'after');
  expect(await outcomeOf(expired.object(OID).fetch('k', 'a'))).toBe('DER_NO_PERM');
});
