// Goal:   a control host that is cut off from the others loses the lead, and nothing else: another
//         one acts within moments, whoever was waiting for the first goes on, and when its cable is
//         back it belongs to the system again.
// Method: three network namespaces as hosts (three-hosts-fixture.ts), whose cables can be pulled.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ControlClient } from '@daos/control/client';
import { HostNetworks } from './host-networks-fixture.js';
import { createPoolPatiently } from './patient-pool-fixture.js';
import { HOSTS, ThreeHosts, until } from './three-hosts-fixture.js';

const MIB = 2 ** 20;
const isPossible = HostNetworks.isAvailable();
const onNetworks = isPossible ? test : test.skip;

let hosts: ThreeHosts;

beforeAll(async () => {
  if (isPossible) hosts = await ThreeHosts.start();
});
afterAll(async () => hosts?.[Symbol.asyncDispose]());

const urlOf = (host: number) => hosts.urlOf(host);

describe('server/three-hosts', () => {
  onNetworks(
    'a host that acts and is cut off is replaced, and belongs to the system when it is back',
    async () => {
      const client = hosts.admin();
      const beforeMs = performance.now();
      await createPoolPatiently(client, { label: 'before', size: 256 * MIB });
      const plainMs = performance.now() - beforeMs;
      const leader = HOSTS.map(urlOf).indexOf((await client.call('getLeader')).url ?? '');
      const others = HOSTS.filter((host) => host !== leader);
      hosts.networks.cut(leader);
      const startedMs = performance.now();
      const meanwhile = { label: 'meanwhile', size: 64 * MIB, ranks: others };
      await createPoolPatiently(client, meanwhile);
      expect(performance.now() - startedMs).toBeLessThan(25_000 + 20 * plainMs);
      const { url } = await client.call('getLeader');
      expect(others.map(urlOf)).toContain(url);
      const stateOfLost = async () => (await client.call('listRanks')).ranks[leader]?.state;
      // The next leader gives every rank a new lease: until it ends, nobody knows who is away.
      await until(async () => (await stateOfLost()) === 'suspect');

      hosts.networks.mend(leader);
      const back = hosts.admin([leader]);
      // Which is the same one, unless etcd has chosen anew meanwhile, and with it the hosts.
      const elsewhere = hosts.admin(others);
      const leaderOf = async (of: ControlClient) => (await of.call('getLeader')).url;
      await until(async () => {
        const seen = await leaderOf(back);
        return seen !== undefined && seen === (await leaderOf(elsewhere));
      });
      await until(async () => (await stateOfLost()) === 'joined');
      // Changes may be asked of it, and its engine takes part in them. While the members of etcd
      // find together again another rank may be suspect for a moment: asking again is right then.
      const everywhere = { label: 'after', size: 256 * MIB, ranks: HOSTS };
      await until(async () => {
        const { map } = await back.call('createPool', { body: everywhere });
        return map.ranks.length === HOSTS.length;
      });
      const { pools } = await client.call('listPools');
      expect(pools.map(({ label }) => label)).toEqual(['after', 'before', 'meanwhile']);
    },
  );
});
