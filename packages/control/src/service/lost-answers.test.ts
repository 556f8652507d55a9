// Goal:   a change that can be carried out once alone is not refused, nor carried out again, when
//         its caller repeats it because the answer was lost: what was written since stays.
// Method: a service whose process dies (its store takes nothing any more) between the end of a
//         change and the record of its answer, and another one on the same store.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import { ControlService } from './control-service.js';

const GIB = 2 ** 30;
const KEY = 'the key';
const silent = { info: () => {}, warn: () => {}, error: () => {} };

let directory: string;
let store: LmdbStore;
/** Calls of engines that change something. */
let commands: string[] = [];
let epoch = 1n;
let isEngineAway = false;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'daos-lost-'));
  store = LmdbStore.open({ directory: join(directory, 'store') });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const engine = new Proxy({} as EngineControl, {
  get: (_target, name) => async () => {
    if (isEngineAway) throw new Error('the engine is away');
    commands.push(String(name));
    return { targets: [], epoch: String(epoch++) };
  },
});

const planeOn = (on: MetadataStore) =>
  new ControlPlane({ store: on, engines: { engineOf: () => engine }, log: silent });

/** Takes every transaction but one that holds nothing but an answer: with that it is dead. */
function dyingStore(): MetadataStore {
  return Object.assign(Object.create(store) as MetadataStore, {
    get: (key: string) => store.get(key),
    range: (options: Parameters<MetadataStore['range']>[0]) => store.range(options),
    txn: async (...parameters: Parameters<MetadataStore['txn']>) => {
      const [, changes] = parameters;
      if (changes.every((change) => 'put' in change && change.put.startsWith('/answers/'))) {
        throw new Error('the process is dead');
      }
      return await store.txn(...parameters);
    },
  });
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** By a service of its own on that store. */
async function ask(on: MetadataStore, method: string, path: string, body?: object, key = KEY) {
  const service = await ControlService.start({
    ...{ control: planeOn(on), address: '127.0.0.1', port: 0, insecure: true },
    ...{ version: '1', log: silent },
  });
  try {
    const response = await fetch(service.url + path, {
      method,
      headers: { 'idempotency-key': key, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() } as Answer;
  } finally {
    await service.close();
  }
}

async function prepare(): Promise<void> {
  const plane = planeOn(store);
  await plane.joinRank({
    ...{ rank: 0, host: 'here', faultDomain: '/here', targetCount: 1, addresses: [[]] },
    ...{ storageCapacityBytes: 8 * GIB, memoryCapacityBytes: GIB },
  });
  await plane.createPool({ label: 'p', size: GIB, acl: ['A::alice@:r'] });
  await plane.createContainer('p', { label: 'c', acl: ['A::alice@:r'] });
  await plane.changePoolAttributes('p', { set: { a: '1' }, delete: [] });
  await plane.changeContainerAttributes('p', 'c', { set: { a: '1' }, delete: [] });
  await plane.changeSystemAttributes({ set: { a: '1' }, delete: [] });
  await plane.createSnapshot('p', 'c', { name: 's' });
}

const C = '/v1/pools/p/containers/c';
const DELETE_A = { delete: ['a'] };
const DELETE_ALICE = { delete: ['u:alice@'] };

test.each<[string, string, object | undefined]>([
  ['DELETE', '/v1/pools/p?recursive=true', undefined],
  ['DELETE', C, undefined],
  ['DELETE', `${C}/snapshots/s`, undefined],
  ['POST', `${C}/rollback`, { snapshot: 's' }],
  ['PATCH', '/v1/pools/p', { label: 'q' }],
  ['PATCH', C, { label: 'd' }],
  ['PATCH', '/v1/pools/p/attributes', DELETE_A],
  ['PATCH', `${C}/attributes`, DELETE_A],
  ['PATCH', '/v1/system/attributes', DELETE_A],
  ['PATCH', '/v1/pools/p/acl', DELETE_ALICE],
  ['PATCH', `${C}/acl`, DELETE_ALICE],
])('control/lost-answers: %s %s', async (method, path, body) => {
  await prepare();
  const whole = await ask(store, method, path, body, 'of a twin');
  await store.close();
  store = LmdbStore.open({ directory: join(directory, 'second') });
  await prepare();

  expect((await ask(dyingStore(), method, path, body)).status).toBe(500);
  commands = [];
  const { entries } = await store.range({ prefix: '/' });
  const again = await ask(store, method, path, body);
  expect(again.status).toBe(200);
  expect(Object.keys(again.body)).toEqual(Object.keys(whole.body));
  expect(await ask(store, method, path, body)).toEqual(again);
  // Neither engines nor records have noticed.
  expect(commands).toEqual([]);
  expect((await store.range({ prefix: '/' })).entries).toEqual(entries);
  // The key is not another request's.
  expect((await ask(store, 'POST', '/v1/pools', { label: 'x', size: GIB })).status).toBe(400);
});

test('control/lost-answers: who repeats what did not come to its end ends it', async () => {
  await prepare();
  const path = '/v1/pools/p?recursive=true';
  isEngineAway = true;
  expect((await ask(store, 'DELETE', path)).status).toBe(500);
  isEngineAway = false;
  expect((await store.range({ prefix: '/pools/' })).entries).toHaveLength(1);
  expect((await ask(store, 'DELETE', path)).status).toBe(200);
  expect((await store.range({ prefix: '/pools/' })).entries).toEqual([]);
});
