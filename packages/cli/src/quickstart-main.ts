#!/usr/bin/env node
// The quick start: stores a directory in a system of its own and reads it back after the engine was
// killed.
//
// Usage: quickstart [DIR] [--port N] [--home PATH]   or   quickstart --stop [--home PATH]

import { fork } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
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
import { farewellText, resultText, startText } from './quickstart/report.js';
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
const DIRECTORY_DEFAULT = '/usr/include';
const PORT_DEFAULT = '10001';
const STORE_PROGRAM = new URL('./quickstart-store-main.js', import.meta.url);
const VERIFY_PROGRAM = new URL('./quickstart-verify-main.js', import.meta.url);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  args: process.argv.slice(2),
  options: {
    stop: { type: 'boolean', default: false },
    port: { type: 'string', default: PORT_DEFAULT },
    home: { type: 'string', default: join(homedir(), '.cache/daos/quickstart') },
    checkout: { type: 'string', default: process.cwd() },
  },
});

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const home = new QuickstartDirectory(resolve(options.home));
  if (options.stop) {
    const wasThere = await stopServer(home);
    say(wasThere ? `stopped, and removed ${home.path}` : 'nothing runs, nothing to remove');
    return;
  }
  await run(home, chooseDirectory(positionals));
}

function chooseDirectory([given, ...rest]: readonly string[]): string {
  if (rest.length > 0) throw new DaosError('DER_INVAL', 'give one directory');
  if (given === undefined)
    return existsSync(DIRECTORY_DEFAULT) ? DIRECTORY_DEFAULT : options.checkout;
  const directory = resolve(given);
  if (!existsSync(directory)) throw new DaosError('DER_NONEXIST', `there is no ${directory}`);
  if (!statSync(directory).isDirectory()) {
    throw new DaosError('DER_INVAL', `${directory} is not a directory`);
  }
  return directory;
}

async function run(home: QuickstartDirectory, directory: string): Promise<void> {
  await stopServer(home);
  const tree = await measureTree(directory);
  say(`${directory}: ${tree.fileCount} files, ${formatSize(tree.byteCount)}`);
  const beginMs = Date.now();
  const server = await startServer(home, Number(options.port));
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

try {
  await main();
} catch (error) {
  const text = DaosError.is(error) ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`quickstart: ${text}\n`);
  process.exitCode = 1;
}
