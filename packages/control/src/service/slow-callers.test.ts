// Goal:   callers that send their requests a byte at a time, or not at all, are dropped in time and
//         keep nobody else from an answer.
// Method: a real service that waits for three seconds; many connections that trickle headers,
//         bodies, or nothing.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlClient } from '../client/control-client.js';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import { ControlService } from './control-service.js';

const TIMEOUT_MS = 3000;
const CALLER_COUNT = 200;
/** Before any of the slow ones is dropped: the others do not wait for that. */
const ANSWER_MS_MAX = 2500;
const TRICKLE_MS = 50;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const yes = new Proxy({} as EngineControl, { get: () => async () => ({ targets: [] }) });
const scratch = mkdtempSync(join(tmpdir(), 'daos-slow-'));

let store: LmdbStore;
let service: ControlService;
let client: ControlClient;

beforeAll(async () => {
  store = LmdbStore.open({ directory: scratch });
  const control = new ControlPlane({ store, engines: { engineOf: () => yes }, log: silent });
  service = await ControlService.start({
    ...{ control, address: '127.0.0.1', port: 0, insecure: true, version: '1', log: silent },
    requestTimeoutMs: TIMEOUT_MS,
  });
  client = new ControlClient({ url: service.url });
});

afterAll(async () => {
  await service.close();
  await store.close();
  rmSync(scratch, { recursive: true });
});

/** Sends `start`, then one byte after the other; resolves to how long it was let. */
async function trickle(start: string): Promise<number> {
  const startedMs = performance.now();
  const socket: Socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  socket.write(start);
  const timer = setInterval(() => socket.write('a'), TRICKLE_MS);
  await once(socket, 'close');
  clearInterval(timer);
  return performance.now() - startedMs;
}

describe('control/slow-callers', () => {
  test.each([
    ['headers', 'GET /v1/pools HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['a body', 'POST /v1/pools HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{'],
    ['a method', 'GE'],
  ])('%s that trickle are cut off, and others are answered meanwhile', async (_name, start) => {
    const slow = Promise.all(Array.from({ length: CALLER_COUNT }, () => trickle(start)));
    const tookMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      const startedMs = performance.now();
      await client.call('listPools');
      tookMs.push(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
    }
    // The first ones wait behind all the others' handshakes where the machine is slow.
    expect(Math.min(...tookMs)).toBeLessThan(ANSWER_MS_MAX);
    expect(Math.max(...(await slow))).toBeLessThan(40 * TIMEOUT_MS);
  });
});
