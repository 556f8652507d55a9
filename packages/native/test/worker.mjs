// A worker that keeps reads of a memory device in flight: `count` of them per round, for ever or
// for one round.
import { parentPort, workerData } from 'node:worker_threads';
import { asNumber, asNothing, loadAddon } from '../dist/index.js';

const { count, isEndless, exits } = workerData;
const { operations, binding } = loadAddon('engine');
operations.command
  .begin()
  .text('worker')
  .u64(1 << 20);
const media = await operations.run(binding.mediaOpenMemory, 0, asNumber);
const read = (into) => {
  operations.command.begin().u64(0);
  return operations.run(binding.mediaRead, media, asNothing, into);
};
let started = false;
do {
  const reads = Array.from({ length: count }, () => read(new Uint8Array(4096)));
  if (!started) parentPort.postMessage({ inFlightCount: operations.inFlightCount, media });
  started = true;
  if (exits) process.exit(0);
  await Promise.all(reads);
} while (isEndless);
parentPort.postMessage('done');
