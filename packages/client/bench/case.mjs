// One case: operations on one object, `depth` at a time, for some seconds. Prints { rate, p50, p99
// }. With `workers`, so many threads do the same at once, each on an object of its own by a
// client of its own: the rate is that of all, p50 and p99 those of the slowest.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { makeObjectId } from '@daos/model';
import { Client } from '@daos/client';

const description = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const { pool, container, addresses, transport, test, depth, seconds, number = 1 } = description;

if (isMainThread && description.workers !== undefined) {
  console.log(JSON.stringify(await runWorkers(description.workers)));
  process.exit(0);
}

/** All begin to measure when the last one is ready. */
async function runWorkers(count) {
  const workers = Array.from({ length: count }, (_, i) => {
    const data = { ...description, number: i + 1 };
    return new Worker(fileURLToPath(import.meta.url), { workerData: data });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('begin');
  const results = (await Promise.all(answers)).map(([result]) => result);
  return {
    rate: results.reduce((sum, { rate }) => sum + rate, 0),
    p50: Math.max(...results.map(({ p50 }) => p50)),
    p99: Math.max(...results.map(({ p99 }) => p99)),
  };
}

const KEY_COUNT = 4096;
const LATENCY_COUNT_MAX = 1_000_000;

const directory = {
  getPool: async (uuid) => {
    const targets = addresses.map((each, index) => ({ index, state: 'up', addresses: each }));
    return { uuid, label: 'bench', map: { version: 1, ranks: [{ rank: 0, targets }] } };
  },
  getContainer: async (poolUuid, uuid) => ({ uuid, label: 'bench', poolUuid, properties: {} }),
};

const client = await Client.connect({ control: directory, transports: [transport] });
const opened = await (await client.openPool(pool)).openContainer(container);
const oid = makeObjectId({ user: BigInt(number), type: 'DKEY_UINT64', objectClass: 'S1' });
const object = opened.object(oid);
const keys = Array.from({ length: KEY_COUNT }, (_, i) => BigInt(i));
const size = test.startsWith('sv64') ? 64 : 4096;

const operations = {
  'sv64-update': (key, buffer) => object.update(key, 'a', buffer),
  'sv64-fetch': (key, buffer) => object.fetchInto(key, 'a', buffer),
  'array4k-update': (key, buffer) => object.updateArray(key, 'a', 0, buffer),
  'array4k-fetch': (key, buffer) => object.fetchArray(key, 'a', 0, buffer),
};
const operation = operations[test];
const isFetch = test.endsWith('fetch');

/** Calls `step(worker)` in `depth` workers until it returns false. */
const inParallel = (step) =>
  Promise.all(
    Array.from({ length: depth }, async () => {
      const buffer = new Uint8Array(size).fill(7);
      while (await step(buffer));
    }),
  );

async function fill() {
  let next = 0;
  const write = operations[test.replace('fetch', 'update')];
  await inParallel(async (buffer) => {
    const key = keys[next++];
    if (key !== undefined) await write(key, buffer);
    return key !== undefined;
  });
}

/** Operations a second, and their latencies in milliseconds. */
async function measure(forSeconds) {
  const latencies = new Float64Array(LATENCY_COUNT_MAX);
  const startMs = performance.now();
  const endMs = startMs + forSeconds * 1000;
  let count = 0;
  await inParallel(async (buffer) => {
    const beginMs = performance.now();
    if (beginMs >= endMs) return false;
    await operation(keys[(Math.random() * KEY_COUNT) | 0], buffer);
    latencies[count++ % LATENCY_COUNT_MAX] = performance.now() - beginMs;
    return true;
  });
  const rate = count / ((performance.now() - startMs) / 1000);
  return { rate, latencies: latencies.subarray(0, Math.min(count, LATENCY_COUNT_MAX)).sort() };
}

if (isFetch) await fill();
// The first tenth of a second compiles JavaScript.
await measure(Math.min(0.3, seconds / 2));
if (parentPort) {
  const begin = once(parentPort, 'message');
  parentPort.postMessage('ready');
  await begin;
}
const { rate, latencies } = await measure(seconds);
const percentileUs = (fraction) => latencies[Math.floor((latencies.length - 1) * fraction)] * 1000;
await client.close();
const result = { rate, p50: percentileUs(0.5), p99: percentileUs(0.99) };
if (parentPort) parentPort.postMessage(result);
else console.log(JSON.stringify(result));
