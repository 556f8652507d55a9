// A service to try things with, and its handlers; as a worker it serves them, or calls them.
import { once } from 'node:events';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { DaosError } from '@daos/model';
import { defineService, RemoteError, RpcEndpoint } from '../dist/index.js';

const nothing = z.object({});

export const echoService = defineService('echo', {
  echo: {
    opcode: 0x9000,
    request: z.object({ text: z.string(), count: z.int().optional() }),
    response: z.object({ text: z.string() }),
    modifies: false,
  },
  sleep: { opcode: 0x9001, request: z.object({ ms: z.number() }), response: nothing },
  fail: {
    opcode: 0x9002,
    request: z.object({ how: z.enum(['daos', 'details', 'plain']) }),
    response: nothing,
  },
  /** Answers the payload of the caller, each byte plus one, and its size. */
  add: { opcode: 0x9003, request: nothing, response: z.object({ size: z.int() }) },
  /** Answers something that its schema refuses. */
  lie: { opcode: 0x9004, request: nothing, response: z.object({ truth: z.boolean() }) },
  /** Resolves at the caller with how many calls of `sleep` were given up. */
  abandonedCount: { opcode: 0x9005, request: nothing, response: z.object({ count: z.int() }) },
  big: { opcode: 0x9006, request: nothing, response: z.object({ value: z.bigint() }) },
});

const failures = {
  daos: () => new DaosError('DER_NOSPACE', 'the shelf is full'),
  details: () => new RemoteError('DER_EXIST', 'there is one', { id: 7, name: 'Ada' }),
  plain: () => new TypeError('not a function'),
};

let abandonedCount = 0;

export const echoHandlers = {
  echo: ({ text }) => ({ text }),
  sleep: async ({ ms }, { signal }) => {
    signal.addEventListener('abort', () => (abandonedCount += 1));
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return {};
  },
  fail: ({ how }) => {
    throw failures[how]();
  },
  add: async (_request, context) => {
    const payload = await context.readAll();
    const answer = payload.map((byte) => byte + 1);
    await context.write(answer);
    return { size: answer.byteLength };
  },
  lie: () => ({ truth: 'no' }),
  abandonedCount: () => ({ count: abandonedCount }),
  big: () => ({ value: 2n ** 63n + 1n }),
};

/** Serves until told to end, and tells where. */
async function serve(transport, announce) {
  const endpoint = await RpcEndpoint.open({ transports: [transport] });
  await endpoint.serve(echoService, echoHandlers);
  announce(endpoint.addresses);
  return endpoint;
}

/** Calls `echo` at `addresses`, `depth` at a time, `count` times. */
async function callMany({ addresses, transport, count, depth }) {
  const endpoint = await RpcEndpoint.open({ transports: [transport] });
  const client = await endpoint.connect(echoService, addresses);
  let next = 0;
  const callOneByOne = async () => {
    while (next < count) {
      const text = `call ${next++}`;
      const answer = await client.call('echo', { text });
      if (answer.text !== text) throw new Error(`${text} was answered ${answer.text}`);
    }
  };
  await Promise.all(Array.from({ length: depth }, callOneByOne));
  await endpoint.close();
}

if (!isMainThread && workerData?.role === 'caller') {
  await callMany(workerData);
  parentPort.postMessage('done');
} else if (!isMainThread && workerData?.role === 'server') {
  const endpoint = await serve(workerData.transport, (where) => parentPort.postMessage(where));
  await once(parentPort, 'message');
  await endpoint.close();
  parentPort.close();
}

/** What a server's process runs: it prints where it serves, until its standard input ends. */
export async function serveProgram(transport) {
  const endpoint = await serve(transport, (where) => console.log(where));
  process.stdin.resume().once('end', () => endpoint.close());
}
