// Goal:   calls of a TypeScript service arrive, are answered or fail as the contract says.
// Method: the same tests over each transport, with real endpoints; server and caller in one process
//         or, where one of them dies or both shall be busy, in processes and workers of their own.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import { defineService, RemoteError, RpcEndpoint, type RpcClient } from './index.js';

const PROGRAM = fileURLToPath(new URL('../test/echo-service.mjs', import.meta.url));
// The service of the program: one definition for both sides.
const { echoService, echoHandlers } = await import(PROGRAM);

interface AnyMethod {
  opcode: number;
  request: z.ZodAny;
  response: z.ZodAny;
}
type EchoClient = RpcClient<Record<string, AnyMethod>>;

interface ServerProcess {
  child: ChildProcess;
  addresses: string;
  stop(): Promise<void>;
}

async function startProcess(transport: string): Promise<ServerProcess> {
  const program = `import('${PROGRAM}').then((echo) => echo.serveProgram('${transport}'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [addresses] = (await once(createInterface(child.stdout), 'line')) as [string];
  const stop = async (): Promise<void> => {
    const exit = child.exitCode === null && child.signalCode === null && once(child, 'exit');
    child.stdin.end();
    await exit;
  };
  return { child, addresses, stop };
}

describe.each(['tcp', 'shm'] as const)('rpc over %s', (transport) => {
  let server: RpcEndpoint;
  let caller: RpcEndpoint;
  let client: EchoClient;
  beforeAll(async () => {
    server = await RpcEndpoint.open({ transports: [transport] });
    await server.serve(echoService, echoHandlers);
    caller = await RpcEndpoint.open({ transports: [transport] });
    client = await caller.connect(echoService, server.addresses);
  });
  afterAll(async () => {
    await caller.close();
    await server.close();
  });

  test('a call is answered with what the handler returned', async () => {
    expect(await client.call('echo', { text: 'grün' })).toEqual({ text: 'grün' });
    expect(await client.call('big', {})).toEqual({ value: 2n ** 63n + 1n });
    const long = 'x'.repeat(500_000);
    expect(await client.call('echo', { text: long })).toEqual({ text: long });
  });

  test('a thousand calls in flight each get their own answer', async () => {
    const texts = Array.from({ length: 1000 }, (_, i) => `call ${i}`);
    const answers = await Promise.all(texts.map((text) => client.call('echo', { text })));
    expect(answers.map(({ text }) => text)).toEqual(texts);
  });

  test.each([1, 100, 5_000, 300_000, 20_000_000])(
    'payload of %i bytes goes there and comes back',
    async (size) => {
      const data = Buffer.alloc(size, 'payload');
      const into = Buffer.alloc(size);
      const { response, dataSize } = await client.transfer('add', {}, { data, into });
      expect({ response, dataSize }).toEqual({ response: { size }, dataSize: size });
      expect(into.equals(Buffer.alloc(size, 'qbzmpbe'))).toBe(true);
    },
  );

  test('payload lies in pieces, and too little room for it is an error', async () => {
    const data = [Buffer.from('abc'), Buffer.alloc(100_000, 'd'), Buffer.from('e')];
    const into = [new Uint8Array(2), new Uint8Array(100_002)];
    expect((await client.transfer('add', {}, { data, into })).dataSize).toBe(100_004);
    expect(Buffer.concat(into).equals(Buffer.from(`bcd${'e'.repeat(100_000)}f`))).toBe(true);
    for (const room of [10, 50_000]) {
      await expect(
        client.transfer('add', {}, { data, into: new Uint8Array(room) }),
      ).rejects.toMatchObject({ code: 'DER_TRUNC' });
    }
  });

  test('what a handler throws arrives with its code, message and details', async () => {
    await expect(client.call('fail', { how: 'daos' })).rejects.toMatchObject({
      code: 'DER_NOSPACE',
      message: 'the shelf is full',
      retryable: false,
    });
    const error = await client.call('fail', { how: 'details' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'DER_EXIST', details: { id: 7, name: 'Ada' } });
    await expect(client.call('fail', { how: 'plain' })).rejects.toMatchObject({
      code: 'DER_MISC',
      message: 'not a function',
    });
  });

  test('a request that the schema refuses is refused on both sides, by field', async () => {
    await expect(client.call('echo', { text: 5 })).rejects.toMatchObject({
      code: 'DER_INVAL',
      message: expect.stringContaining('the request of echo.echo.text'),
    });
    const loose = defineService('loose', {
      echo: { opcode: 0x9000, request: z.any(), response: z.any() },
    });
    const careless = await caller.connect(loose, server.addresses);
    await expect(careless.call('echo', { text: 5 })).rejects.toMatchObject({
      code: 'DER_INVAL',
      message: expect.stringContaining('the request of echo.echo.text'),
    });
    expect(await client.call('echo', { text: 'well' })).toEqual({ text: 'well' });
  });

  test('a response that the schema refuses is the bug of the server', async () => {
    await expect(client.call('lie', {})).rejects.toMatchObject({
      code: 'DER_INVAL',
      message: expect.stringContaining('the response of echo.lie.truth'),
    });
  });

  test('a method that nobody serves is an error', async () => {
    const absent = defineService('absent', {
      ask: { opcode: 0xffff, request: z.object({}), response: z.object({}) },
    });
    const asking = await caller.connect(absent, server.addresses);
    await expect(asking.call('ask', {})).rejects.toMatchObject({ code: 'DER_NOSYS' });
  });

  test('a call ends at its deadline, and the handler hears of it', async () => {
    const before = (await client.call('abandonedCount', {})).count;
    const beginMs = performance.now();
    await expect(client.call('sleep', { ms: 10_000 }, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'DER_TIMEDOUT',
    });
    expect(performance.now() - beginMs).toBeLessThan(8000);
    await expectEventually(async () => (await client.call('abandonedCount', {})).count, before + 1);
  });

  test('a call ends when its signal aborts, and the handler hears of it', async () => {
    const before = (await client.call('abandonedCount', {})).count;
    const controller = new AbortController();
    const call = client.call('sleep', { ms: 10_000 }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(call).rejects.toThrow('enough');
    await expectEventually(async () => (await client.call('abandonedCount', {})).count, before + 1);
    await expect(
      client.call('echo', { text: '' }, { signal: AbortSignal.abort() }),
    ).rejects.toThrow(/abort/);
  });

  test('calls to a peer that is killed end, and a new peer takes over', async () => {
    const first = await startProcess(transport);
    const doomed: EchoClient = await caller.connect(echoService, first.addresses);
    expect(await doomed.call('echo', { text: 'alive' })).toEqual({ text: 'alive' });
    const calls = Array.from({ length: 20 }, () => doomed.call('sleep', { ms: 20_000 }));
    setTimeout(() => first.child.kill('SIGKILL'), 50);
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ reason: { code: 'DER_UNREACH' } });
    }
    const second = await startProcess(transport);
    const fresh: EchoClient = await caller.connect(echoService, second.addresses);
    expect(await fresh.call('echo', { text: 'again' })).toEqual({ text: 'again' });
    await second.stop();
  });

  test('workers serve and call at the same time', async () => {
    const serving = new Worker(PROGRAM, { workerData: { role: 'server', transport } });
    const [addresses] = (await once(serving, 'message')) as [string];
    const callers = Array.from({ length: 3 }, () => {
      const workerData = { role: 'caller', transport, addresses, count: 2000, depth: 32 };
      return once(new Worker(PROGRAM, { workerData }), 'message');
    });
    expect(await Promise.all(callers)).toEqual([['done'], ['done'], ['done']]);
    serving.postMessage('end');
    expect(await once(serving, 'exit')).toEqual([0]);
  });

  test('closing ends what is under way', async () => {
    const closing = await RpcEndpoint.open({ transports: [transport] });
    await closing.serve(echoService, echoHandlers);
    const asking: EchoClient = await caller.connect(echoService, closing.addresses);
    const served = asking.call('sleep', { ms: 20_000 });
    const own: EchoClient = await closing.connect(echoService, server.addresses);
    const called = own.call('sleep', { ms: 20_000 });
    const outcomes = Promise.allSettled([served, called]);
    await asking.call('echo', { text: 'both are there' });
    await closing.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        reason: { code: expect.stringMatching(/DER_(SHUTDOWN|UNREACH|CANCELED)/) },
      });
    }
    await expect(own.call('echo', { text: '' })).rejects.toMatchObject({ code: 'DER_NO_HDL' });
    await expect(closing.serve(echoService, echoHandlers)).rejects.toMatchObject({
      code: 'DER_NO_HDL',
    });
    await closing.close();
  });
});

describe('rpc', () => {
  test('opcodes have a range, and are used once', async () => {
    const method = (opcode: number) => ({ opcode, request: z.any(), response: z.any() });
    expect(() => defineService('low', { ask: method(512) })).toThrow(/low.ask: opcode 512/);
    expect(() => defineService('twice', { a: method(0x9000), b: method(0x9000) })).toThrow(
      /a and b have the same opcode/,
    );
    await using endpoint = await RpcEndpoint.open({ transports: ['shm'] });
    await endpoint.serve(echoService, echoHandlers);
    await expect(endpoint.serve(echoService, echoHandlers)).rejects.toMatchObject({
      code: 'DER_EXIST',
    });
  });

  test('a port that is taken is an error', async () => {
    await using first = await RpcEndpoint.open({ transports: ['tcp'] });
    const address = first.addresses.replace('tcp://', '');
    await expect(RpcEndpoint.open({ transports: ['tcp'], address })).rejects.toMatchObject({
      code: 'DER_BUSY',
      message: expect.stringContaining(address),
    });
  });

  test('a server keeps its program alive until it is closed, and not longer', async () => {
    const { child, addresses, stop } = await startProcess('shm');
    expect(addresses).toMatch(/^shm:/);
    expect(child.exitCode).toBeNull();
    await stop();
    expect(child.exitCode).toBe(0);
  });
});

async function expectEventually<T>(read: () => Promise<T>, value: T): Promise<void> {
  for (let attempt = 0; attempt < 100 && (await read()) !== value; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(await read()).toBe(value);
}
