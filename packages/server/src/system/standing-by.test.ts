// Goal:   a control host that does not act changes nothing and tells engines nothing, not even that
//         they are renewed: whoever asks is told to ask again, until one acts.
// Method: two hosts on a real etcd; the first takes part in the choice of a leader when it is told.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import { ControlService } from '@daos/control/service';
import { serverConfigSchema } from '../config/server-config.js';
import { ControlHost } from './control-host.js';
import { EngineCommands } from './engine-commands.js';
import { EtcdCluster } from './etcd-cluster-fixture.js';

const log = { info: () => {}, warn: () => {}, error: () => {} };
const again = expect.objectContaining({ code: 'DER_AGAIN' });

let etcd: EtcdCluster;
let host: ControlHost;
let service: ControlService;

const open = (): Promise<ControlHost> => {
  const config = serverConfigSchema.parse({
    data_directory: '/nowhere',
    control: { port: 0, insecure: true, metadata: { etcd: etcd.endpoints } },
    engines: [{}],
  });
  const commands = new EngineCommands(new Map(), () => {});
  return ControlHost.open({
    ...{ config, directory: '/nowhere', commands, certificates: undefined, log },
  });
};

beforeAll(async () => {
  etcd = await EtcdCluster.start(1);
  host = await open();
  service = await ControlService.start({
    get control() {
      return host.control;
    },
    elsewhere: (method) => host.elsewhere(method),
    ...{ address: '127.0.0.1', port: 0, insecure: true, version: 'test', log },
  });
});

afterAll(async () => {
  await host?.stop();
  await service?.close();
  await etcd?.[Symbol.asyncDispose]();
});

test('server/standing-by: changes and renewals wait for a host that acts', async () => {
  const renew = () =>
    fetch(`${service.url}/v1/leases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ranks: [{ rank: 0, incarnation: 1 }] }),
    });
  expect(() => host.elsewhere('POST')).toThrow(again);
  expect(host.elsewhere('GET')).toBeUndefined();
  const refused = await renew();
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: 'DER_AGAIN' } });
  expect((await fetch(`${service.url}/v1/pools`)).status).toBe(200);

  // Who asks by our client goes on as soon as one acts, by its term.
  const client = new ControlClient({ url: service.url });
  const waiting = client.call('renewRanks', { body: { ranks: [{ rank: 0, incarnation: 1 }] } });
  host.serve(service.url);
  const { lost, term } = await waiting;
  expect(lost).toEqual([0]);
  expect(term).toBeGreaterThan(0);
  expect(host.elsewhere('POST')).toBeUndefined();

  const other = await open();
  try {
    other.serve('http://127.0.0.1:1');
    const deadlineMs = performance.now() + 10_000;
    const known = () => {
      try {
        return other.elsewhere('POST');
      } catch {
        return undefined;
      }
    };
    while (known() === undefined && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(other.elsewhere('POST')).toBe(service.url);
  } finally {
    await other.stop();
  }
});
