// Goal:   who may reach the control service, and what a role may do there.
// Method: certificates as `daos-server cert generate` makes them, a real service over TLS; its
//         engine says yes to everything.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlPlane, LmdbStore, type EngineControl } from '@daos/control';
import { ControlClient, CREDENTIAL_LIFE_MS, signCredential } from '@daos/control/client';
import type { AuditEntry } from '@daos/control/audit';
import { ControlService } from '@daos/control/service';
import { readCertificates, ROLES, type Role } from '@daos/control/service-tls';
import { generateCertificates } from './generate-certificates.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-tls-'));
const system = join(scratch, 'system');
const foreign = join(scratch, 'foreign');
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const yes = new Proxy({} as EngineControl, { get: () => async () => ({ targets: [] }) });

const audited: AuditEntry[] = [];

let store: LmdbStore;
let service: ControlService;

beforeAll(async () => {
  for (const directory of [system, foreign]) {
    generateCertificates({ directory, hosts: ['storage1.example'], days: 30 });
  }
  store = LmdbStore.open({ directory: join(scratch, 'store') });
  const control = new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 2 ** 34,
    memoryCapacityBytes: 2 ** 34,
    addresses: [[]],
  });
  service = await ControlService.start({
    control,
    address: '127.0.0.1',
    port: 0,
    insecure: false,
    certificates: readCertificates(system, 'server'),
    version: '0',
    log: silent,
    commandEngine: async () => ({}),
    audit: (entry) => void audited.push(entry),
  });
});

afterAll(async () => {
  await service.close();
  await store.close();
  rmSync(scratch, { recursive: true });
});

const as = (role: Role, directory = system) =>
  new ControlClient({ url: service.url, certificates: readCertificates(directory, role) });

/** What an agent says of a user. */
const claimsOf = (user: string) => ({
  version: 1 as const,
  flavor: 'AUTH_SYS' as const,
  uid: 1000,
  gid: 1000,
  user,
  groups: [],
  host: 'client1',
  issuedMs: Date.now(),
  expiresMs: Date.now() + CREDENTIAL_LIFE_MS,
});

const asUser = (user: string) =>
  new ControlClient({
    url: service.url,
    certificates: readCertificates(system, 'client'),
    credential: signCredential(claimsOf(user), readCertificates(system, 'agent')),
  });

const createPool = (client: ControlClient, label: string) =>
  client.call('createPool', { body: { label, size: 2 ** 30 } });

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Of a stream of events only how it begins. */
function ask(method: string, path: string, role: Role): Promise<Answer> {
  const { authority: ca, certificate: cert, key } = readCertificates(system, role);
  return new Promise((resolve, reject) => {
    // As it is: a URL would be made shorter where it climbs.
    const sent = request(service.url, { method, path, ca, cert, key }, (answer) => {
      const status = answer.statusCode ?? 0;
      if (answer.headers['content-type'] === 'text/event-stream') {
        sent.destroy();
        return resolve({ status, text: '' });
      }
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const openApi = async (): Promise<unknown> =>
  JSON.parse((await ask('GET', '/v1/openapi.json', 'admin')).text);
const statusOf = async (method: string, path: string, role: Role): Promise<number> =>
  (await ask(method, path, role)).status;

const denied = { code: 'DER_NO_PERM' };
/** A service that does not like a certificate hangs up; its reason does not always arrive. */
const refused = { code: expect.stringMatching(/DER_NO_PERM|DER_UNREACH/) };

describe('server/certificates', () => {
  test('an administrator may do everything, a client what users do', async () => {
    await as('admin').call('createPool', {
      body: { label: 'p', size: 2 ** 30, acl: ['A::alice@:rw'] },
    });
    expect((await as('client').call('listPools')).pools).toEqual([]);
    const client = asUser('alice@');
    expect((await client.call('listPools')).pools).toHaveLength(1);
    await client.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    expect((await client.getContainer('p', 'c')).label).toBe('c');
    await expect(createPool(client, 'q')).rejects.toMatchObject(denied);
    await expect(client.call('destroyPool', { params: { pool: 'p' } })).rejects.toMatchObject(
      denied,
    );
    await expect(client.call('listRanks')).rejects.toMatchObject(denied);
    await expect(createPool(as('agent'), 'q')).rejects.toMatchObject(denied);
    await expect(createPool(as('server'), 'q')).rejects.toMatchObject(denied);
    expect((await as('server').call('listRanks')).ranks).toHaveLength(1);
  });

  test('every route is for the roles that its document names, and for no others', async () => {
    const { paths } = (await openApi()) as {
      paths: Record<string, Record<string, { 'x-daos-roles': string[] }>>;
    };
    let refusedCount = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { 'x-daos-roles': roles }] of Object.entries(methods)) {
        for (const role of (['server', 'agent', 'client'] as const).filter(
          (one) => !roles.includes(one),
        )) {
          const at = path.replace(/\{rank\}/, '0').replace(/\{\w+\}/g, 'none');
          const status = await statusOf(method.toUpperCase(), at, role);
          expect([path, method, role, status]).toEqual([path, method, role, 403]);
          refusedCount += 1;
        }
      }
    }
    expect(refusedCount).toBeGreaterThan(50);
  });

  test.each<[string, string, Role[]]>([
    ['GET', '/v1/events?topic=pools', ['admin']],
    ['GET', '/metrics', ['admin', 'server']],
    ['GET', '/console/', ['admin']],
    ['POST', '/v1/engines/0/queryPool', ['admin', 'server']],
  ])('%s %s, which is in no document, is for its roles too', async (method, path, roles) => {
    for (const role of ROLES) {
      const status = await statusOf(method, path, role);
      expect([role, status === 403]).toEqual([role, !roles.includes(role)]);
    }
  });

  test('the console sends its own files alone', async () => {
    const climbing = ['..%2Fpackage.json', '%2e%2e/package.json', '..%2f..%2f..%2fetc%2fpasswd'];
    for (const path of climbing) {
      expect([path, await statusOf('GET', `/console/${path}`, 'admin')]).toEqual([path, 404]);
    }
    expect(await statusOf('GET', '/console/index.html', 'admin')).toBe(200);
  });

  test('every request is accounted for: who, what, and what came of it', async () => {
    audited.length = 0;
    await as('admin').call('createPool', { body: { label: 'audited', size: 2 ** 30 } });
    const client = asUser('alice@');
    await client.call('listPools');
    await client.call('destroyPool', { params: { pool: 'audited' } }).catch(() => {});
    await client.getPool('audited').catch(() => {});
    await statusOf('GET', '/v1/nothing', 'admin');
    // A request's line is written once its answer has left.
    const deadlineMs = performance.now() + 5000;
    while (audited.length < 5 && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const lines = audited.map(({ role, user, method, url, status }) => [
      ...[role, user, method, url, status],
    ]);
    expect(lines).toEqual([
      ['admin', undefined, 'POST', '/v1/pools', 200],
      ['client', 'alice@', 'GET', '/v1/pools', 200],
      ['client', 'alice@', 'DELETE', '/v1/pools/audited', 403],
      ['client', 'alice@', 'GET', '/v1/pools/audited', 403],
      ['admin', undefined, 'GET', '/v1/nothing', 404],
    ]);
    expect(audited[0]?.requestKey).toMatch(/^[\da-f-]{36}$/);
  });

  test('a denied caller learns nothing: an unknown pool is denied as a known one is', async () => {
    const destroy = (pool: string) => as('client').call('destroyPool', { params: { pool } });
    const errors = await Promise.all(['p', 'none'].map((pool) => destroy(pool).catch(String)));
    expect(errors[0]).toBe(errors[1]);
  });

  test('a caller without a certificate is refused', async () => {
    const { authority } = readCertificates(system, 'admin');
    const nobody = new ControlClient({
      url: service.url,
      certificates: { authority, certificate: '', key: '' },
    });
    await expect(nobody.call('listPools')).rejects.toMatchObject(refused);
    const plain = new ControlClient({ url: service.url.replace('https', 'http') });
    await expect(plain.call('listPools')).rejects.toBeDefined();
  });

  test('certificates of another authority are refused, in both directions', async () => {
    const { authority } = readCertificates(system, 'admin');
    const ours = { ...readCertificates(foreign, 'admin'), authority };
    const forged = new ControlClient({ url: service.url, certificates: ours });
    await expect(forged.call('listPools')).rejects.toMatchObject(refused);
    await expect(as('admin', foreign).call('listPools')).rejects.toMatchObject(denied);
  });

  test('a certificate that has expired, and one without a role, are refused', async () => {
    const { authority, key } = readCertificates(system, 'admin');
    const issue = (name: string, days: string) => {
      const file = join(scratch, 'request');
      const at = (file: string) => join(system, file);
      const subject = ['-subj', `/O=DAOS/CN=${name}`, '-out', file];
      execFileSync('openssl', ['req', '-new', '-key', at('admin.key'), ...subject]);
      const by = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-days', days];
      const parameters = ['x509', '-req', '-in', file, ...by];
      return execFileSync('openssl', parameters, {
        stdio: ['ignore', 'pipe', 'ignore'],
      }).toString();
    };
    const withCertificate = (certificate: string) =>
      new ControlClient({ url: service.url, certificates: { authority, key, certificate } });
    const nameless = withCertificate(issue('root', '1'));
    await expect(nameless.call('listPools')).rejects.toMatchObject(denied);
    const expired = withCertificate(issue('admin', '0'));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await expect(expired.call('listPools')).rejects.toMatchObject(refused);
  });

  test('keys are of their owner alone, and an authority is never replaced', () => {
    for (const name of ['ca.key', 'admin.key', 'client.key']) {
      expect(statSync(join(system, name)).mode & 0o777).toBe(0o600);
    }
    const again = () => generateCertificates({ directory: system, hosts: [], days: 1 });
    expect(again).toThrow(expect.objectContaining({ code: 'DER_EXIST' }));
    expect(() => readCertificates(scratch, 'admin')).toThrow(/cert generate/);
  });
});
