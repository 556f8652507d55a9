// Goal:   every call of the client ends when its signal aborts, and its memory is free then.
// Method: an engine's process that is stopped (SIGSTOP) in the middle of it all: nothing is
//         answered, so that only the signal can end a call; it goes on afterwards.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pipeline } from 'node:stream/promises';
import { Client, textOf, type Container, type OperationOptions, type Pool } from './index.js';

const PROGRAM = fileURLToPath(new URL('../bench/engine-process.mjs', import.meta.url));
const REASON = new Error('not wanted any more');

let child: ChildProcess;
let client: Client;
let pool: Pool;
let container: Container;

/** All threads stand still when it resolves: the signal alone takes a moment. */
async function stopEngine(): Promise<void> {
  child.kill('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  const isStopped = (task: string) =>
    readFileSync(`${tasks}/${task}/stat`, 'utf8').includes(') T ');
  while (!readdirSync(tasks).every(isStopped)) await new Promise(setImmediate);
}

/** Calls with a signal that aborts soon; the engine stands still meanwhile. */
async function expectAborted(call: (options: { signal: AbortSignal }) => Promise<unknown>) {
  const controller = new AbortController();
  await stopEngine();
  setTimeout(() => controller.abort(REASON), 30);
  const beginMs = performance.now();
  await expect(call({ signal: controller.signal })).rejects.toThrow(
    expect.objectContaining({ message: expect.stringMatching(/not wanted|aborted/) }),
  );
  // Without the signal it would have ended at the client's timeout, after 10 s.
  expect(performance.now() - beginMs).toBeLessThan(9000);
}

beforeAll(async () => {
  child = spawn(process.execPath, [PROGRAM, 'tcp', String(64 << 20)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PMEM_IS_PMEM_FORCE: '1' },
  });
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  const engine = JSON.parse(line);
  const targets = engine.addresses.map((addresses: [], index: number) => {
    return { index, state: 'up' as const, addresses };
  });
  const state = 'joined' as const;
  const ranks = [{ rank: 0, state, incarnation: 1, faultDomain: '/host', targets }];
  client = await Client.connect({
    control: {
      getPool: async (uuid) => ({ uuid, label: 'p', map: { version: 1, ranks } }),
      getContainer: async (poolUuid, uuid) => ({ uuid, label: 'c', poolUuid, properties: {} }),
    },
    transports: ['tcp'],
  });
  pool = await client.openPool(engine.pool);
  container = await pool.openContainer(engine.container);
});
afterEach(() => {
  child.kill('SIGCONT');
});
afterAll(async () => {
  await client.close();
  child.stdin?.end();
  await once(child, 'exit');
});

const lexical = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });
const integers = makeObjectId({ user: 2n, type: 'MULTI_UINT64', objectClass: 'S1' });
const bytes = makeObjectId({ user: 3n, type: 'ARRAY_BYTE', objectClass: 'S1' });
const large = Buffer.alloc(1 << 20, 'x');

async function first(entries: AsyncIterable<unknown>): Promise<void> {
  for await (const _entry of entries) return;
}

const calls: [string, (options: OperationOptions & { signal: AbortSignal }) => Promise<unknown>][] =
  [
    ['update', (options) => container.object(lexical).update('k', 'a', 'v', options)],
    ['update of 1 MiB', (options) => container.object(lexical).update('k', 'a', large, options)],
    ['fetch', (options) => container.object(lexical).fetch('k', 'a', options)],
    [
      'fetchInto',
      (options) => container.object(lexical).fetchInto('k', 'a', Buffer.alloc(1 << 20), options),
    ],
    ['sizeOf', (options) => container.object(lexical).sizeOf('k', 'a', options)],
    [
      'updateArray',
      (options) => container.object(lexical).updateArray('k', 'b', 0, Buffer.from('v'), options),
    ],
    [
      'fetchArray',
      (options) => container.object(lexical).fetchArray('k', 'b', 0, Buffer.alloc(1), options),
    ],
    [
      'punchArray',
      (options) =>
        container.object(lexical).punchArray('k', 'b', [{ index: 0, count: 1 }], options),
    ],
    ['punch', (options) => container.object(lexical).punch(options)],
    ['punchDkey', (options) => container.object(lexical).punchDkey('k', options)],
    ['punchAkeys', (options) => container.object(lexical).punchAkeys('k', ['a'], options)],
    ['dkeys', (options) => first(container.object(lexical).dkeys(options))],
    ['akeys', (options) => first(container.object(lexical).akeys('k', options))],
    ['extents', (options) => first(container.object(lexical).extents('k', 'b', options))],
    ['maxDkey', (options) => container.object(integers).maxDkey(options)],
    ['maxExtent', (options) => container.object(integers).maxExtent(1n, 1n, options)],
    ['objects', (options) => first(container.objects(options))],
    ['KeyValue.put', (options) => container.keyValue(lexical).put('k', 'v', options)],
    ['KeyValue.get', (options) => container.keyValue(lexical).get('k', options)],
    ['KeyValue.remove', (options) => container.keyValue(lexical).remove('k', options)],
    ['KeyValue.entries', (options) => first(container.keyValue(lexical).entries(options))],
    ['ByteArray.write', (options) => container.byteArray(bytes).write(0, large, options)],
    ['ByteArray.read', (options) => container.byteArray(bytes).read(0, large, options)],
    ['ByteArray.size', (options) => container.byteArray(bytes).size(options)],
    ['ByteArray.truncate', (options) => container.byteArray(bytes).truncate(5, options)],
    ['ByteArray.punch', (options) => container.byteArray(bytes).punch(0, 5, options)],
    ['ByteArray.readable', (options) => first(container.byteArray(bytes).readable(options))],
    [
      'ByteArray.writable',
      (options) => pipeline([large], container.byteArray(bytes).writable(options)),
    ],
    ['Pool.openContainer', (options) => pool.openContainer(container.uuid, options)],
  ];

describe('client/abort', () => {
  test.each(calls)('%s ends when its signal aborts', async (_name, call) => {
    await expectAborted(call);
  });

  test.each(calls)('%s does not begin with a signal that has aborted', async (_name, call) => {
    await expect(call({ signal: AbortSignal.abort(REASON) })).rejects.toThrow(/not wanted|aborted/);
  });

  test('the client goes on after all of it', async () => {
    const object = container.object(lexical);
    await object.update('k', 'a', 'still here', { timeoutMs: 20_000 });
    expect(textOf(await object.fetch('k', 'a'))).toBe('still here');
  });
});
