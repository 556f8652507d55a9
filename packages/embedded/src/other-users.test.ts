// Goal:   workers and other processes of the host use an embedded system that is shared.
// Method: a real system; clients in workers and in a process of their own, which know nothing but
//         its address or a handle.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { Client, textOf, type Container } from '@daos/client';
import { EmbeddedSystem } from './embedded-system.js';

const PROGRAM = join(import.meta.dirname, '../test/other-process.mjs');
const scratch = mkdtempSync(join(tmpdir(), 'daos-shared-'));
const oid = makeObjectId({ user: 7n, type: 'KV_LEXICAL', objectClass: 'SX' });
let system: EmbeddedSystem;
let container: Container;

beforeAll(async () => {
  system = await EmbeddedSystem.open(join(scratch, 'data'), { targetCount: 2, isShared: true });
  const pool = await system.openPool('p', { size: 256 * 2 ** 20 });
  container = await system.openContainer(pool, 'c');
});
afterAll(async () => {
  await system.close();
  rmSync(scratch, { recursive: true });
});

describe('embedded/other-users', () => {
  test('a client finds pools and containers by asking the system', async () => {
    await using client = await Client.connect({ control: system.address as string });
    await using pool = await client.openPool('p');
    await using opened = await pool.openContainer('c');
    await opened.keyValue(oid).put('who', 'a client');
    expect(textOf(await container.keyValue(oid).get('who'))).toBe('a client');
    await pool.refresh();
    await expect(client.openPool('none')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
    await expect(pool.openContainer('none')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('another process opens a container from a handle, without asking', async () => {
    const handle = JSON.stringify(container.share());
    const call = `other.putFromProcess(${handle}, ${oid}n)`;
    const program = `import('${PROGRAM}').then((other) => ${call})`;
    await promisify(execFile)(process.execPath, ['-e', program]);
    expect(textOf(await container.keyValue(oid).get('who'))).toBe('another process');
  });

  test('workers write at the same time as each other and the main thread', async () => {
    const workers = [0, 1].map((number) => {
      const workerData = { handle: container.share(), oid, number, count: 500 };
      return new Worker(PROGRAM, { workerData });
    });
    const store = container.keyValue(oid);
    const own = Array.from({ length: 500 }, (_, i) => store.put(`main ${i}`, `${i}`));
    await Promise.all([...own, ...workers.map((worker) => once(worker, 'exit'))]);
    for (const name of ['main', 'worker 0', 'worker 1']) {
      expect(textOf(await store.get(`${name} 499`))).toBe('499');
    }
  });

  test('an address where nothing is, is out of reach', async () => {
    await using gone = await EmbeddedSystem.open(join(scratch, 'gone'), { isShared: true });
    const address = gone.address as string;
    await gone.close();
    await using client = await Client.connect({ control: address });
    const opening = client.openPool('p', { signal: AbortSignal.timeout(300) });
    await expect(opening).rejects.toMatchObject({
      name: expect.stringMatching(/TimeoutError|DaosError/),
    });
  });
});
