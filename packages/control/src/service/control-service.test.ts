import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ControlClient } from '../client/control-client.js';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import { ControlService, type ControlServiceOptions } from './control-service.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-service-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const GIB = 2 ** 30;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
/** The service is under test here, not the engine: this one says yes to everything. */
const yes = new Proxy({} as EngineControl, {
  get: () => async () => ({ targets: [], devices: [] }),
});

let storeCount = 0;
let store: LmdbStore;
let control: ControlPlane;
let service: ControlService;
let client: ControlClient;

const start = (changes: Partial<ControlServiceOptions> = {}) =>
  ControlService.start({
    control,
    address: '127.0.0.1',
    port: 0,
    insecure: true,
    version: '1.2.3',
    log: silent,
    ...changes,
  });

beforeEach(async () => {
  store = LmdbStore.open({ directory: join(scratch, String(storeCount++)) });
  control = new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 2,
    storageCapacityBytes: 8 * GIB,
    memoryCapacityBytes: GIB,
    addresses: [[{ transport: 'tcp', address: '127.0.0.1:1' }], []],
  });
  service = await start();
  client = new ControlClient({ url: service.url });
});

afterEach(async () => {
  await service.close();
  await store.close();
});

const createPool = (label = 'p', size = GIB) =>
  client.call('createPool', { body: { label, size } });

describe('control/service', () => {
  test('a pool is created, found by label and UUID, listed and destroyed', async () => {
    const pool = await createPool();
    expect(await client.getPool('p')).toEqual(pool);
    expect(await client.getPool(pool.uuid.toUpperCase())).toEqual(pool);
    expect(pool.map).toMatchObject({
      version: 1,
      ranks: [{ rank: 0, state: 'joined', incarnation: 1 }],
    });
    expect(pool.map.ranks[0]?.targets[0]).toEqual({
      index: 0,
      state: 'up',
      addresses: [{ transport: 'tcp', address: '127.0.0.1:1' }],
    });
    expect((await client.call('listPools')).pools).toMatchObject([{ label: 'p', state: 'ready' }]);
    await client.call('destroyPool', { params: { pool: 'p' } });
    await expect(client.getPool('p')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('a container is created, found, listed and destroyed; it keeps its pool', async () => {
    await createPool();
    const params = { pool: 'p', container: 'c' };
    const made = await client.call('createContainer', {
      params: { pool: 'p' },
      body: { label: 'c', properties: { layout_type: 'POSIX' } },
    });
    expect(await client.getContainer('p', 'c')).toEqual(made);
    expect(made.properties).toEqual({
      layout_type: 'POSIX',
      oclass: 'S1',
      chunk_size: 1_048_576,
      cksum: 'crc32',
      cksum_size: 32_768,
      srv_cksum: 'on',
      quota_bytes: 0,
      quota_objects: 0,
      max_snapshot: 0,
      rd_fac: 0,
      compression: 'off',
      encryption: 'off',
      dedup: 'off',
    });
    expect((await client.call('listContainers', { params: { pool: 'p' } })).containers).toEqual([
      made,
    ]);
    const refused = client.call('destroyPool', { params: { pool: 'p' } });
    await expect(refused).rejects.toMatchObject({ code: 'DER_BUSY' });
    await client.call('destroyContainer', { params });
    await expect(client.getContainer('p', 'c')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
    await client.call('destroyPool', { params: { pool: 'p' } });
  });

  test('attributes are set and deleted, all of a request or none', async () => {
    await createPool();
    await client.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    const params = { pool: 'p', container: 'c' };
    const change = (body: object) => client.call('changeContainerAttributes', { params, body });
    await change({ set: { colour: 'red', __proto__x: 'y', size: '2' } });
    await expect(change({ set: { new: '1' }, delete: ['none'] })).rejects.toMatchObject({
      code: 'DER_NONEXIST',
    });
    expect((await change({ delete: ['size'] })).attributes).toEqual({
      colour: 'red',
      __proto__x: 'y',
    });
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`a${i}`, 'v'.repeat(40_000)]),
    );
    await expect(change({ set: many })).rejects.toMatchObject({ code: 'DER_OVERFLOW' });
    await client.call('changePoolAttributes', {
      params: { pool: 'p' },
      body: { set: { of: 'pool' } },
    });
    const ofPool = await client.call('getPoolAttributes', { params: { pool: 'p' } });
    expect(ofPool.attributes).toEqual({ of: 'pool' });
    expect((await client.call('getContainerAttributes', { params })).attributes).toEqual({
      colour: 'red',
      __proto__x: 'y',
    });
  });

  test('a pool that does not fit is told what is free', async () => {
    await createPool('first', 5 * GIB);
    await expect(createPool('second', 5 * GIB)).rejects.toMatchObject({
      code: 'DER_NOSPACE',
      message: expect.stringMatching(/needs 5.4 GiB on rank 0, where 2.6 GiB of 8.0 GiB are free/),
    });
    await createPool('third', 2 * GIB);
  });

  test('two pools planned at once never count on the same bytes', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => createPool(`p${i}`, 3 * GIB)),
    );
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(2);
  });

  test('a repeated request with its key is carried out once, another refused', async () => {
    const send = (key: string) =>
      fetch(`${service.url}/v1/pools`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ label: 'p', size: GIB }),
      });
    const first = await send('one');
    const second = await send('one');
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await second.json()).toEqual(await first.json());
    expect((await send('two')).status).toBe(409);
    const destroy = () =>
      fetch(`${service.url}/v1/pools/p`, {
        method: 'DELETE',
        headers: { 'idempotency-key': 'three' },
      });
    expect([(await destroy()).status, (await destroy()).status]).toEqual([200, 200]);
  });

  test.each([
    ['an unknown field', { label: 'p', size: GIB, sise: 1 }, /sise/],
    ['a label like a UUID', { label: '6c2cc5b1-52cd-4ab2-8d5a-000000000000', size: GIB }, /label/],
    ['no size', { label: 'p' }, /exactly one of size/],
    ['a negative size', { label: 'p', size: -1 }, /size/],
    ['a path as label', { label: '../p', size: GIB }, /label/],
  ])('%s is refused by name', async (_name, body, message) => {
    const refused = client.call('createPool', { body: body as never });
    await expect(refused).rejects.toMatchObject({
      code: 'DER_INVAL',
      message: expect.stringMatching(message),
    });
  });

  test('broken JSON, an unknown path and too large a body get an error code', async () => {
    const post = (body: string) =>
      fetch(`${service.url}/v1/pools`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
    const codeOf = async (r: Response) =>
      ((await r.json()) as { error: { code: string } }).error.code;
    expect(await codeOf(await post('{'))).toBe('DER_INVAL');
    expect(await codeOf(await post(`"${'x'.repeat(2 << 20)}"`))).toBe('DER_OVERFLOW');
    expect(await codeOf(await fetch(`${service.url}/v1/nothing`))).toBe('DER_NONEXIST');
    expect(await codeOf(await fetch(`${service.url}/v1/pools/%2e%2e%2fx`))).toBe('DER_NONEXIST');
  });

  test('the OpenAPI document describes every route with its schemas', async () => {
    const response = await fetch(`${service.url}/v1/openapi.json`);
    const document = (await response.json()) as {
      paths: Record<string, Record<string, { parameters?: object[]; requestBody?: object }>>;
    };
    expect(document.paths['/v1/pools/{pool}']?.['delete']?.parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'pool', in: 'path', required: true }),
        expect.objectContaining({ name: 'recursive', in: 'query', required: false }),
      ]),
    );
    expect(JSON.stringify(document.paths['/v1/pools']?.['post']?.requestBody)).toContain(
      'freePercent',
    );
  });

  test('a scrape has every rank and pool, in families that a parser takes', async () => {
    await createPool('tank');
    const response = await fetch(`${service.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    const lines = (await response.text()).split('\n');
    expect(lines.at(-2)).toBe('# EOF');
    expect(lines).toContain('daos_rank_joined{rank="0",host="here",state="joined"} 1');
    expect(lines.find((line) => line.startsWith('daos_pool_containers{'))).toMatch(/tank"\} 0$/);
    const declared = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(declared).size).toBe(declared.length);
    for (const line of lines.filter((l) => l !== '' && !l.startsWith('#'))) {
      expect(line).toMatch(/^[a-z_]+\{([a-z]+="[^"\n]*",?)*\} [\d.e+-]+$/);
      const name = /^[a-z_]+/.exec(line)?.[0].replace(/_total$/, '');
      expect(declared).toContain(name);
    }
  });

  test('a watcher sees pools come and go, and comes back without a gap', async () => {
    const first = await openEvents('pools');
    await createPool();
    const seen = await first.take(2);
    expect(seen.map((e) => e.event)).toEqual(['put', 'put']);
    first.close();
    await client.call('destroyPool', { params: { pool: 'p' } });
    const second = await openEvents('pools', seen[1]?.id);
    expect((await second.take(2)).map((e) => e.event)).toEqual(['put', 'delete']);
    second.close();
  });

  test('a taken port is an error that names it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({
      code: 'DER_BUSY',
      message: expect.stringContaining(`port ${port}`),
    });
    other.close();
  });

  test('without certificates it needs the switch and a loopback address', async () => {
    await expect(start({ insecure: false })).rejects.toMatchObject({ code: 'DER_NOSYS' });
    for (const address of ['0.0.0.0', '::', 'localhost.example', '10.0.0.1']) {
      await expect(start({ address })).rejects.toMatchObject({ code: 'DER_INVAL' });
    }
  });

  test('no service at all is an error that says what to do', async () => {
    const away = new ControlClient({ url: 'http://127.0.0.1:9' });
    await expect(away.getPool('p')).rejects.toMatchObject({
      code: 'DER_UNREACH',
      message: expect.stringContaining('daos-server start'),
    });
  });
});

interface ServerSentEvent {
  id: string;
  event: string;
}

/** Connected and watching when the promise resolves. */
async function openEvents(topic: string, lastEventId?: string) {
  const url = `${service.url}/v1/events?topic=${topic}`;
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  let text = '';
  let notify = () => {};
  const request = httpRequest(url, { headers });
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) =>
    request.on('response', resolve).on('error', reject).end(),
  );
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    notify();
  });
  response.on('error', () => {});
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => (notify = resolve));
  };
  await until(() => text.includes(': watching\n\n'));
  return {
    close: () => request.destroy(),
    take: async (count: number): Promise<ServerSentEvent[]> => {
      const find = () => [...text.matchAll(/id: (\d+)\nevent: (\w+)\n/g)];
      await until(() => find().length >= count);
      return find()
        .slice(0, count)
        .map((m) => ({ id: m[1] ?? '', event: m[2] ?? '' }));
    },
  };
}
