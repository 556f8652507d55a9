// Goal:   a control host that is cut off from the others loses the lead, and nothing else: another
//         one acts within moments, whoever was waiting for the first goes on, and when its cable is
//         back it belongs to the system again.
// Method: three network namespaces as hosts, each with a member of a real etcd cluster and a real
//         server with an engine; mutual TLS. Needs to be superuser.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { generateCertificates } from '../certificates/generate-certificates.js';
import { EtcdCluster } from './etcd-cluster-fixture.js';
import { HostNetworks } from './host-networks-fixture.js';

const PROGRAM = join(import.meta.dirname, '../../dist/daos-server.js');
const HOST_COUNT = 3;
const PORT = 10_001;
const MIB = 2 ** 20;
const isPossible = HostNetworks.isAvailable();
const onNetworks = isPossible ? test : test.skip;

let scratch: string;
let networks: HostNetworks;
let etcd: EtcdCluster;
const servers: ChildProcess[] = [];

const certs = () => join(scratch, 'certs');
const urlOf = (host: number) => `https://${networks.addressOf(host)}:${PORT}`;
const clientOf = (...hosts: number[]) =>
  new ControlClient({
    url: hosts.map(urlOf).join(','),
    certificates: readCertificates(certs(), 'admin'),
  });

function launch(host: number): ChildProcess {
  const address = networks.addressOf(host);
  const config = join(scratch, `${host}.yml`);
  writeFileSync(
    config,
    `data_directory: ${join(scratch, String(host))}
fault_path: /host${host}
control:
  address: ${address}
  port: ${PORT}
  certificates: ${certs()}
  metadata: { etcd: [${etcd.endpoints.join(', ')}] }
engines:
  - rank: ${host}
    address: ${address}
    transports: [tcp]
    storage: { capacity: 1GiB, memory: 512MiB }
`,
  );
  const command = [...networks.commandOf(host), process.execPath, PROGRAM, 'start', '-c', config];
  const child = spawn(command[0] ?? '', command.slice(1));
  child.stderr?.resume();
  return child;
}

async function until(wanted: () => Promise<boolean>, limitMs = 25_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await wanted().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not in time: ${wanted.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

beforeAll(async () => {
  if (!isPossible) return;
  scratch = mkdtempSync(join(tmpdir(), 'daos-partition-'));
  networks = new HostNetworks(HOST_COUNT);
  const addresses = Array.from({ length: HOST_COUNT }, (_, host) => networks.addressOf(host));
  generateCertificates({ directory: certs(), hosts: addresses, days: 1 });
  etcd = await EtcdCluster.start(HOST_COUNT, networks);
  for (let host = 0; host < HOST_COUNT; host++) servers.push(launch(host));
  await until(async () => {
    const { ranks } = await clientOf(0, 1, 2).call('listRanks');
    return ranks.length === HOST_COUNT && ranks.every(({ state }) => state === 'joined');
  });
}, 60_000);

afterAll(async () => {
  if (!isPossible) return;
  for (const child of servers) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await etcd[Symbol.asyncDispose]();
  networks[Symbol.dispose]();
  rmSync(scratch, { recursive: true });
}, 30_000);

describe('server/partition', () => {
  onNetworks(
    'a host that acts and is cut off is replaced, and belongs to the system when it is back',
    async () => {
      const client = clientOf(0, 1, 2);
      await client.call('createPool', { body: { label: 'before', size: 256 * MIB } });
      const leader = [0, 1, 2].map(urlOf).indexOf((await client.call('getLeader')).url ?? '');
      const others = [0, 1, 2].filter((host) => host !== leader);
      networks.cut(leader);
      const startedMs = performance.now();
      const body = { label: 'meanwhile', size: 64 * MIB, ranks: others };
      await client.call('createPool', { body });
      expect(performance.now() - startedMs).toBeLessThan(12_000);
      const { url } = await client.call('getLeader');
      expect(others.map(urlOf)).toContain(url);

      networks.mend(leader);
      const back = clientOf(leader);
      await until(async () => (await back.call('getLeader')).url === url);
      await until(async () => (await client.call('listRanks')).ranks[leader]?.state === 'joined');
      // Changes may be asked of it, and its engine takes part in them.
      const last = await back.call('createPool', { body: { label: 'after', size: 256 * MIB } });
      expect(last.map.ranks).toHaveLength(HOST_COUNT);
      const { pools } = await client.call('listPools');
      expect(pools.map(({ label }) => label)).toEqual(['after', 'before', 'meanwhile']);
    },
    60_000,
  );
});
