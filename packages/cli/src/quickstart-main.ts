#!/usr/bin/env node
// The quick start: stores a directory in a system of its own and reads it back after the engine was
// killed.
//
// Usage: quickstart [DIR] [--port N] [--home PATH]   or   quickstart --stop [--home PATH]
// Exit: 0 when everything came back, 2 for wrong parameters, 128 and the number of the signal that
//       ended it, 1 for everything else.

import { fork } from 'node:child_process';
import { ControlClient, formatSize } from '@daos/control/client';
import { DaosError } from '@daos/model';
import { CHUNK_SIZE } from './quickstart/file-store.js';
import { readManifest } from './quickstart/manifest.js';
import {
  PARALLEL_COUNT,
  type PhaseMessage,
  type PhaseOptions,
  type PhaseResult,
} from './quickstart/phase.js';
import { copyPlainly, readPlainly } from './quickstart/plain-copy.js';
import { ProgressBar } from './quickstart/progress-bar.js';
import { parseRequest, type RunRequest, USAGE, UsageError } from './quickstart/request.js';
import { farewellText, resultText, startText, stopCommand } from './quickstart/report.js';
import {
  awaitEngine,
  killEngine,
  QuickstartDirectory,
  startServer,
  stopServer,
} from './quickstart/server-process.js';
import { SkipCounts, walkTree } from './quickstart/tree.js';

const POOL = 'quickstart';
const CONTAINER = 'files';
const STORE_PROGRAM = new URL('./quickstart-store-main.js', import.meta.url);
const VERIFY_PROGRAM = new URL('./quickstart-verify-main.js', import.meta.url);

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const request = parseRequest(process.argv.slice(2));
  if (request.action === 'help') return say(USAGE);
  const home = new QuickstartDirectory(request.home);
  if (request.action === 'run') {
    try {
      return await run(home, request);
    } catch (error) {
      // A server that an earlier call left, and that is in use, isn't this one's to speak of.
      if (DaosError.is(error, 'DER_BUSY') || !home.findServer()) throw error;
      say(`the server goes on until '${stopCommand(home)}'`);
      throw error;
    }
  }
  const wasThere = await stopServer(home);
  say(wasThere ? `stopped, and removed ${home.path}` : 'nothing runs, nothing to remove');
}

async function run(
  home: QuickstartDirectory,
  { directory, port }: RunRequest,
): Promise<void> {
  home.checkIdle();
  await stopServer(home);
  using _lock = home.claim(port);
  const tree = await measureTree(directory);
  say(`${directory}: ${tree.fileCount} files, ${formatSize(tree.byteCount)}`);
  sayWhatGoesOnWhenInterrupted(home);
  const beginMs = Date.now();
  const server = await startServer(home, port);
  const serverMs = Date.now();
  const control = new ControlClient({ url: server.url });
  await control.call('createPool', { body: { label: POOL, ...poolSizes(tree) } });
  await control.call('createContainer', { params: { pool: POOL }, body: { label: CONTAINER } });
  const readyMs = Date.now();
  say(`a server with two targets, a pool and a container are ready after ${readyMs - beginMs} ms`);

  const phase: PhaseOptions = {
    controlUrl: server.url,
    pool: POOL,
    container: CONTAINER,
    directory: Buffer.from(directory).toString('base64'),
    manifest: home.part('manifest.jsonl'),
  };
  const stored = await runPhaseProcess(STORE_PROGRAM, phase, 'storing', tree.fileCount);
  say(startText({ beginMs, serverMs, readyMs, firstWriteMs: stored.latencies.firstEndMs }));
  const killMs = performance.now();
  const killedPid = await killEngine(home);
  const enginePid = await awaitEngine(home, killedPid);
  const downMs = performance.now() - killMs;
  say(
    `engine ${killedPid} was killed; ${enginePid} serves in its place after ` +
      `${downMs.toFixed(0)} ms`,
  );
  const read = await runPhaseProcess(VERIFY_PROGRAM, phase, 'reading', stored.fileCount);
  const copy = await runPlainCopy(home, directory, phase.manifest);

  say(resultText({ stored, read, ...copy }));
  if (read.mismatchCount > 0) {
    const first = read.mismatches.join('\n  ');
    throw new DaosError('DER_CSUM', `${read.mismatchCount} files came back different:\n  ${first}`);
  }
  say(farewellText({ home, server, enginePid, pool: POOL, container: CONTAINER }));
}

/** The server is no child of this process, and does not end with it. */
function sayWhatGoesOnWhenInterrupted(home: QuickstartDirectory): void {
  for (const [signal, number] of [['SIGINT', 2] as const, ['SIGTERM', 15] as const]) {
    process.once(signal, () => {
      say(`\ninterrupted; what runs goes on until '${stopCommand(home)}'`);
      process.exit(128 + number);
    });
  }
}

interface TreeSize {
  fileCount: number;
  byteCount: number;
}

async function measureTree(directory: string): Promise<TreeSize> {
  const size: TreeSize = { fileCount: 0, byteCount: 0 };
  for await (const entry of walkTree(Buffer.from(directory), new SkipCounts())) {
    if (entry.kind !== 'file') continue;
    size.fileCount += 1;
    size.byteCount += entry.stats.size;
  }
  return size;
}

/**
 * Of a pool that holds the directory with room to spare; chance does not fill the targets quite
 * evenly.
 */
function poolSizes({ fileCount, byteCount }: TreeSize): {
  arenaSizePerRank: number;
  dataSizePerRank: number;
} {
  const spare = 256 * 2 ** 20;
  const chunkCount = fileCount + Math.ceil(byteCount / CHUNK_SIZE);
  return {
    // A small file lies in the arena, with its keys.
    arenaSizePerRank: spare + 2 * chunkCount * 6144,
    dataSizePerRank: spare + 2 * byteCount + 2 * PARALLEL_COUNT * CHUNK_SIZE,
  };
}

/** Runs a phase in a process of its own, with a bar. */
async function runPhaseProcess(
  program: URL,
  phase: PhaseOptions,
  label: string,
  fileCount: number,
): Promise<PhaseResult> {
  const bar = new ProgressBar(label, fileCount, process.stdout);
  return await new Promise((done, fail) => {
    const child = fork(program, [JSON.stringify(phase)]);
    child.on('message', (message: PhaseMessage) => {
      if (message.type === 'progress') bar.update(message.fileCount);
      else if (message.type === 'failed') fail(new Error(`${label} failed: ${message.message}`));
      else {
        bar.finish();
        done(message.result);
      }
    });
    child.on('error', fail);
    child.on('exit', (status, signal) =>
      fail(new Error(`${label} ended with ${signal ?? status}`)),
    );
  });
}

async function runPlainCopy(
  home: QuickstartDirectory,
  directory: string,
  manifest: string,
): Promise<{ copied: PhaseResult; copyRead: PhaseResult }> {
  const entries = await readManifest(manifest);
  const to = Buffer.from(home.part('copy'));
  const copied = await copyPlainly(Buffer.from(directory), to, entries);
  return { copied, copyRead: await readPlainly(to, entries) };
}

/** Where there is something that the message doesn't say. */
function actionFor(error: unknown): string | undefined {
  if (DaosError.is(error, 'DER_BUSY')) return error.action;
  if (DaosError.is(error, 'DER_NOSPACE')) return 'give a place with more room with --home';
  return undefined;
}

try {
  await main();
} catch (error) {
  const text = DaosError.is(error) ? `${error.code}: ${error.message}` : (error as Error).message;
  process.stderr.write(`quickstart: ${text}\n`);
  const action = actionFor(error);
  if (action !== undefined) process.stderr.write(`what to do: ${action}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
