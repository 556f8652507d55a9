// State belongs to the environment: workers load the addon beside the main thread, end when they
// like, and take their operations with them. Device reads stand for any operation.
import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { loadAddon, type BatchBinding, type NativeFunction } from './index.js';
import { asNothing } from './operations.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../test/${name}`, import.meta.url));

interface Started {
  inFlightCount: number;
  media: number;
}

function startWorker(workerData: { count: number; isEndless?: boolean; exits?: boolean }): Worker {
  return new Worker(fixture('worker.mjs'), { workerData });
}

describe('native/worker', () => {
  test('several workers use the addon at once', async () => {
    const workers = Array.from({ length: 4 }, () => startWorker({ count: 2000 }));
    const answers = workers.map(async (worker) => {
      const messages: unknown[] = [];
      worker.on('message', (message) => messages.push(message));
      const [exitCode] = (await once(worker, 'exit')) as [number];
      return { messages, exitCode };
    });
    for (const { messages, exitCode } of await Promise.all(answers)) {
      expect(messages).toEqual([{ inFlightCount: 2000, media: expect.any(Number) }, 'done']);
      expect(exitCode).toBe(0);
    }
  });

  test('a worker that is terminated with operations in flight ends cleanly', async () => {
    for (let round = 0; round < 10; ++round) {
      const worker = startWorker({ count: 500 + round * 300, isEndless: true });
      await once(worker, 'message');
      expect(await worker.terminate()).toBe(1);
    }
  });

  test('a worker that exits with operations in flight ends cleanly', async () => {
    const worker = startWorker({ count: 1000, exits: true });
    expect(await once(worker, 'exit')).toEqual([0]);
  });

  test('a handle of another environment is unknown here', async () => {
    const worker = startWorker({ count: 1, isEndless: true });
    const [{ media }] = (await once(worker, 'message')) as [Started];
    const { operations, binding } = loadAddon<BatchBinding & { mediaFlush: NativeFunction }>(
      'engine',
    );
    operations.command.begin();
    await expect(operations.run(binding.mediaFlush, media, asNothing)).rejects.toMatchObject({
      code: 'DER_NO_HDL',
    });
    await worker.terminate();
  });

  test('an open handle does not keep an idle program from ending', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fixture('idle.mjs')]);
    expect(Number(stdout)).toBeGreaterThan(0);
  });
});
