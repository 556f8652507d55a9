// Goal:   who may do what with pools and containers, and what a credential has to be.
// Method: certificates as `daos-server cert generate` makes them, a real service over TLS;
//         credentials signed with the agent's key; the engine says yes to everything.

import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlPlane, LmdbStore, systemClock, type EngineControl } from '@daos/control';
import {
  CLOCK_SKEW_MS,
  ControlClient,
  CREDENTIAL_LIFE_MS,
  signCredential,
} from '@daos/control/client';
import { ControlService } from '@daos/control/service';
import { readCertificates } from '@daos/control/service-tls';
import { generateCertificates } from './generate-certificates.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-access-'));
const system = join(scratch, 'system');
const foreign = join(scratch, 'foreign');
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const yes = new Proxy({} as EngineControl, {
  get: () => async () => ({ targets: [], epoch: '1' }),
});

let store: LmdbStore;
let control: ControlPlane;
let service: ControlService;

beforeAll(async () => {
  for (const directory of [system, foreign]) {
    generateCertificates({ directory, hosts: [], days: 30 });
  }
  store = LmdbStore.open({ directory: join(scratch, 'store') });
  control = new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 2 ** 36,
    memoryCapacityBytes: 2 ** 36,
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
  });
});

afterAll(async () => {
  await service.close();
  await store.close();
  rmSync(scratch, { recursive: true });
});

const claimsOf = (user: string, groups: string[] = []) => ({
  version: 1 as const,
  flavor: 'AUTH_SYS' as const,
  uid: 1000,
  gid: 1000,
  user,
  groups,
  host: 'client1',
  issuedMs: Date.now(),
  expiresMs: Date.now() + CREDENTIAL_LIFE_MS,
});

const withCredential = (credential: string) =>
  new ControlClient({
    url: service.url,
    certificates: readCertificates(system, 'client'),
    credential,
  });

const asUser = (user: string, groups: string[] = []) =>
  withCredential(signCredential(claimsOf(user, groups), readCertificates(system, 'agent')));

const denied = { code: 'DER_NO_PERM' };
const params = { pool: 'p', container: 'c' };

/**
 * An agent by another authority, which has the name of ours; the certificate says nothing else of
 * who issued it.
 */
function namesakeAgent(): { certificate: string; key: string } {
  const [extensions, signing] = [join(scratch, 'extensions'), join(scratch, 'request')];
  writeFileSync(extensions, 'authorityKeyIdentifier=none\nkeyUsage=critical,digitalSignature\n');
  const openssl = (...parameters: string[]) =>
    execFileSync('openssl', parameters, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  const agentKey = join(foreign, 'agent.key');
  openssl('req', '-new', '-key', agentKey, '-subj', '/O=DAOS/CN=agent', '-out', signing);
  const by = ['-CA', join(foreign, 'ca.crt'), '-CAkey', join(foreign, 'ca.key')];
  const certificate = openssl('x509', '-req', '-in', signing, ...by, '-extfile', extensions);
  const authority = new X509Certificate(readCertificates(system, 'agent').authority);
  // What makes it a namesake: names alone don't tell it from one of ours.
  expect(new X509Certificate(certificate).checkIssued(authority)).toBe(true);
  return { certificate, key: readCertificates(foreign, 'agent').key };
}

/** Something that needs the right, of a pool or of a container. */
const NEEDS: Record<string, (client: ControlClient) => Promise<unknown>> = {
  'pool t': (client) => client.getPool('p'),
  'pool c': (client) =>
    client.call('createContainer', {
      params: { pool: 'p' },
      body: { label: `c${createHash('md5').update(String(Math.random())).digest('hex')}` },
    }),
  'pool d': (client) => client.call('destroyContainer', { params: { pool: 'p', container: 'd' } }),
  'container r': (client) => client.openContainer('p', 'c', { readOnly: true }),
  'container w open': (client) => client.openContainer('p', 'c', { readOnly: false }),
  'container w': (client) =>
    client.call('changeContainerAttributes', { params, body: { set: { a: 'b' } } }),
  'container w snapshot': (client) => client.call('createSnapshot', { params, body: {} }),
  'container r snapshots': (client) => client.call('listSnapshots', { params }),
  'container d': (client) =>
    client.call('destroyContainer', { params: { pool: 'p', container: 'd' } }),
  'container t': (client) => client.getContainer('p', 'c'),
  'container t query': (client) => client.call('queryContainer', { params }),
  'pool t properties': (client) => client.call('getPoolProperties', { params: { pool: 'p' } }),
  'container T': (client) =>
    client.call('relabelContainer', { params, body: { label: 'renamed' } }),
  'container a': (client) => client.call('getContainerAcl', { params }),
  'container A': (client) =>
    client.call('changeContainerAcl', { params, body: { update: ['A::zed@:r'] } }),
  'container o': (client) =>
    client.call('changeContainerAcl', { params, body: { ownerGroup: 'other@' } }),
};

async function makePool(poolAcl: string[], containerAcl: string[]): Promise<void> {
  await control.destroyPool('p', { recursive: true }).catch(() => {});
  await control.createPool({ label: 'p', size: 2 ** 30, owner: 'owner@', acl: poolAcl });
  for (const label of ['c', 'd']) {
    await control.createContainer('p', { label, owner: 'owner@', acl: containerAcl });
  }
}

describe('server/access', () => {
  test.each(Object.entries(NEEDS))('%s: with it alone, not without', async (need, run) => {
    const [kind, rights = ''] = need.split(' ');
    const all = kind === 'pool' ? 'rwcdt' : 'rwdtTaAo';
    // `r` of a pool is `t`, and `w` is `c` and `d`.
    const without = [...all].filter((right) => {
      if (rights.includes(right)) return false;
      if (kind !== 'pool') return true;
      return !(right === 'w' && /[cd]/.test(rights)) && !(right === 'r' && rights === 't');
    });
    const see = (list: string) => (kind === 'pool' && !/[tr]/.test(list) ? `${list}t` : list);
    const lists = (list: string): [string[], string[]] =>
      kind === 'pool'
        ? [[`A::alice@:${rights === 't' ? list : see(list)}`], []]
        : [['A::alice@:t'], [`A::alice@:${list}`]];
    await makePool(...lists(rights));
    await run(asUser('alice@'));
    await makePool(...lists(without.join('')));
    // Both `t` and `r` show a container's description.
    if (need.startsWith('container t')) {
      await makePool(['A::alice@:t'], ['A::alice@:wdTaAo']);
    }
    await expect(run(asUser('alice@'))).rejects.toMatchObject(denied);
    await expect(run(asUser('bob@', ['staff@']))).rejects.toMatchObject(denied);
    await expect(run(withCredential(''))).rejects.toMatchObject(denied);
  });

  test('who has no rights learns no names', async () => {
    await makePool(['A::alice@:t'], ['A::alice@:r']);
    const bob = asUser('bob@');
    expect((await bob.call('listPools')).pools).toEqual([]);
    const asked = ['p', 'q'].map(async (pool) => String(await bob.getPool(pool).catch((e) => e)));
    const [known, unknown] = await Promise.all(asked);
    expect(known?.replace("'p'", "'q'")).toBe(unknown);
    await makePool(['A::EVERYONE@:t'], ['A::alice@:r']);
    expect((await bob.call('listContainers', { params: { pool: 'p' } })).containers).toEqual([]);
    const found = ['c', 'x'].map(async (container) =>
      String(await bob.getContainer('p', container).catch((e) => e)),
    );
    const [there, absent] = await Promise.all(found);
    expect(there?.replace("'c'", "'x'")).toBe(absent);
    // Who may make containers meets a label that is taken, and learns nothing else of it.
    await makePool(['A::bob@:rc'], ['A::alice@:r']);
    const { uuid } = await control.getContainer('p', 'c');
    const taken = bob.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    const refusal: unknown = await taken.catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'DER_EXIST' });
    expect(String(refusal)).not.toContain(uuid);
  });

  test('a clone is made by who may read its origin, and of nothing that is not there', async () => {
    await makePool(['A:G:staff@:rw'], ['A::alice@:r', 'A::bob@:w']);
    const { epoch } = await control.createSnapshot('p', 'c', { name: 'monday' });
    const clone = (user: string, container: string, snapshot = 'monday') =>
      asUser(user, ['staff@']).call('createContainer', {
        params: { pool: 'p' },
        body: { label: 'copy', origin: { pool: 'p', container, snapshot } },
      });
    const { uuid } = await control.getContainer('p', 'c');
    const origin = { containerUuid: uuid, generation: 0, epoch };
    await expect(clone('alice@', 'c', 'tuesday')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
    await expect(clone('bob@', 'c')).rejects.toMatchObject(denied);
    const hidden = String(await clone('carol@', 'c').catch((error) => error));
    const absent = String(await clone('carol@', 'x').catch((error) => error));
    expect(hidden.replace("'c'", "'x'")).toBe(absent);
    await expect(clone('alice@', 'c')).resolves.toMatchObject({ origin });
  });

  test('who creates a container owns it, and nobody gives one away unasked', async () => {
    await makePool(['A:G:staff@:rw'], []);
    const alice = asUser('alice@', ['staff@']);
    const create = (body: { label: string; owner?: string; ownerGroup?: string }) =>
      alice.call('createContainer', { params: { pool: 'p' }, body });
    await create({ label: 'mine' });
    const acl = await alice.call('getContainerAcl', { params: { pool: 'p', container: 'mine' } });
    expect(acl).toMatchObject({ owner: 'alice@', ownerGroup: 'staff@' });
    await expect(create({ label: 'x', owner: 'bob@' })).rejects.toMatchObject(denied);
    await expect(create({ label: 'x', ownerGroup: 'wheel@' })).rejects.toMatchObject(denied);
  });

  test('a credential is refused when it is altered, foreign, old or early', async () => {
    await makePool(['A::alice@:rw'], []);
    const agent = readCertificates(system, 'agent');
    const good = signCredential(claimsOf('alice@'), agent);
    await withCredential(good).getPool('p');
    const [body = '', signature = '', certificate = ''] = good.split('.');
    const claims = (changes: object) =>
      Buffer.from(JSON.stringify({ ...claimsOf('bob@'), ...changes })).toString('base64url');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ownKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const late = { issuedMs: 0, expiresMs: Date.now() - CLOCK_SKEW_MS - 1000 };
    const early = { issuedMs: Date.now() + CLOCK_SKEW_MS + 60_000 };
    const refused = {
      'other claims': [claims({ user: 'alice@' }), signature, certificate].join('.'),
      'another signature': [body, Buffer.from('x').toString('base64url'), certificate].join('.'),
      'no signature': [body, '', certificate].join('.'),
      'no certificate': [body, signature, ''].join('.'),
      'too few parts': body,
      'another authority': signCredential(claimsOf('alice@'), readCertificates(foreign, 'agent')),
      'no agent': signCredential(claimsOf('alice@'), readCertificates(system, 'client')),
      'a key of its own': signCredential(claimsOf('alice@'), { ...agent, key: ownKey }),
      expired: signCredential({ ...claimsOf('alice@'), ...late }, agent),
      early: signCredential({ ...claimsOf('alice@'), ...early }, agent),
      'a namesake of the authority': signCredential(claimsOf('alice@'), namesakeAgent()),
    };
    for (const [what, credential] of Object.entries(refused)) {
      const outcome = await withCredential(credential).getPool('p').catch((error) => error.code);
      expect([what, outcome]).toEqual([what, 'DER_NO_PERM']);
    }
    const skewed = { issuedMs: Date.now() + CLOCK_SKEW_MS - 60_000 };
    await withCredential(signCredential({ ...claimsOf('alice@'), ...skewed }, agent)).getPool('p');
  });

  test.each([
    ['was set back behind the certificates', -3_600_000, /is valid from .* on: set the clock/],
    ['is beyond their end', 31 * 86_400_000, /has expired, unless the clock here is ahead/],
  ])('a control host whose clock %s says so', async (_what, aheadMs, message) => {
    const nowMs = Date.now() + aheadMs;
    const clock = { ...systemClock, wallMs: () => nowMs };
    const claims = { ...claimsOf('alice@'), issuedMs: nowMs, expiresMs: nowMs + 1000 };
    const late = await ControlService.start({
      ...{ control, clock, address: '127.0.0.1', port: 0, insecure: false, version: '0' },
      ...{ certificates: readCertificates(system, 'server'), log: silent },
    });
    try {
      const client = new ControlClient({
        url: late.url,
        certificates: readCertificates(system, 'client'),
        credential: signCredential(claims, readCertificates(system, 'agent')),
      });
      await expect(client.call('listPools')).rejects.toThrow(message);
    } finally {
      await late.close();
    }
  });

  test('the answer to another user is not had by their key', async () => {
    await makePool(['A:G:staff@:rw'], []);
    const { authority: ca, certificate: cert, key } = readCertificates(system, 'client');
    const create = (user: string) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const claims = claimsOf(user, ['staff@']);
        const headers = {
          'content-type': 'application/json',
          'idempotency-key': 'guessed',
          'daos-credential': signCredential(claims, readCertificates(system, 'agent')),
        };
        const path = '/v1/pools/p/containers';
        const options = { method: 'POST', path, headers, ca, cert, key };
        const sent = request(service.url, options, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        });
        sent.on('error', reject);
        sent.end(JSON.stringify({ label: 'secret' }));
      });
    const first = await create('alice@');
    expect(await create('alice@')).toEqual(first);
    const other = await create('bob@');
    expect(other).toMatchObject({ status: 400, text: expect.stringContaining('another request') });
    expect(other.text).not.toContain((JSON.parse(first.text) as { uuid: string }).uuid);
  });

  test('paths that climb and bodies that are too large get nowhere', async () => {
    const { authority: ca, certificate: cert, key } = readCertificates(system, 'admin');
    const send = (method: string, path: string, body = '') =>
      new Promise<number>((resolve, reject) => {
        const sent = request(service.url, { method, path, ca, cert, key }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        sent.on('error', reject);
        sent.setHeader('content-type', 'application/json');
        sent.end(body);
      });
    const climbing = ['/v1/../../etc/passwd', '/v1/pools/..%2f..%2fetc', '/v1/pools/%00', '//etc'];
    for (const path of climbing) {
      expect([400, 404]).toContain(await send('GET', path));
    }
    expect(await send('GET', `/v1/pools/${'a'.repeat(5000)}`)).toBeGreaterThanOrEqual(400);
    const large = JSON.stringify({ label: 'x'.repeat(2 << 20) });
    expect(await send('POST', '/v1/pools', large)).toBe(400);
    expect(await send('POST', '/v1/pools', '{"label":')).toBe(400);
  });
});
