import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { makeObjectId } from '@daos/model';
import { EmbeddedSystem, type EmbeddedOptions } from './embedded-system.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-embedded-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const MIB = 2 ** 20;
const oid = makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'SX' });
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

/** Keeps the names of spans, and samples all of them. */
function recordingTracer(names: string[]): NonNullable<EmbeddedOptions['tracer']> {
  let spanCount = 0;
  const startSpan = (name: string) => {
    const spanId = String(++spanCount).padStart(16, '0');
    const methods = new Proxy({} as Record<string, unknown>, {
      get: (_target, method) =>
        method === 'spanContext'
          ? () => ({ traceId: 'a'.repeat(32), spanId, traceFlags: 1 })
          : () => void (method === 'end' && names.push(name)),
    });
    return methods as never;
  };
  return { startSpan, startActiveSpan: startSpan as never };
}

describe('embedded/system', () => {
  test('what is stored is there when the directory is opened again', async () => {
    const directory = join(scratch, 'again');
    for (const round of [0, 1]) {
      await using system = await EmbeddedSystem.open(directory, { targetCount: 2 });
      await using pool = await system.openPool('p', { size: 128 * MIB });
      await using container = await system.openContainer(pool, 'c');
      const object = container.object(oid);
      const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
      if (round === 0) await Promise.all(keys.map((key) => object.update(key, 'a', `${key}!`)));
      const values = await Promise.all(keys.map((key) => object.fetch(key, 'a')));
      expect(values.map(text)).toEqual(keys.map((key) => `${key}!`));
    }
  });

  test('a directory that is open is refused, and free again afterwards', async () => {
    const directory = join(scratch, 'busy');
    const first = await EmbeddedSystem.open(directory);
    await expect(EmbeddedSystem.open(directory)).rejects.toMatchObject({ code: 'DER_BUSY' });
    await first.close();
    await (await EmbeddedSystem.open(directory)).close();
  });

  test('pools and containers are found, or created, by label', async () => {
    await using system = await EmbeddedSystem.open(join(scratch, 'labels'));
    await using pool = await system.openPool('p', { size: 64 * MIB });
    await using again = await system.openPool('p');
    expect(again.uuid).toBe(pool.uuid);
    await (await system.openContainer(pool, 'c')).close();
    await (await system.openContainer(pool, 'c')).close();
    expect(await system.control.listContainers('p')).toHaveLength(1);
    await expect(system.client.openPool('none')).rejects.toMatchObject({ code: 'DER_NONEXIST' });
  });

  test('a tracer sees the calls of the client, and what the engine did for them', async () => {
    const names: string[] = [];
    const options = { tracer: recordingTracer(names) };
    await using system = await EmbeddedSystem.open(join(scratch, 'traced'), options);
    await using pool = await system.openPool('p', { size: 64 * MIB });
    await using container = await system.openContainer(pool, 'c');
    await container.object(oid).update('key', 'a', 'value');
    const wanted = ['daos.openPool', 'daos.objectUpdate', 'engine.update', 'vos.update'];
    // The engine tells of what it did when it has answered.
    while (!wanted.every((name) => names.includes(name))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});
