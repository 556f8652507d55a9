// The server of the quick start: started in the background, found again by its directory, stopped
// and removed.

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DaosError } from '@daos/model';
import { FileLock, readRun, type RunDescription } from '@daos/server/data-directory';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const TARGET_COUNT = 2;
/** First line of the configuration: by it the quick start knows a directory as its own. */
const MARK = '# Written by the quick start.';

/** Everything of one quick start lies below one directory. */
export class QuickstartDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  readonly part = (name: string) => join(this.path, name);

  get data(): string {
    return this.part('data');
  }

  get log(): string {
    return this.part('server.log');
  }

  get config(): string {
    return this.part('daos_server.yml');
  }

  /** DER_BUSY while another process stores or reads here. */
  checkIdle(): void {
    if (existsSync(this.#lockFile)) this.#lock()[Symbol.dispose]();
  }

  /** Makes the directory, and keeps others out of it until the lock is disposed of. */
  claim(port: number): FileLock {
    writeConfig(this, port);
    return this.#lock();
  }

  get #lockFile(): string {
    return this.part('lock');
  }

  #lock(): FileLock {
    return FileLock.acquire(this.#lockFile, `the quick start in ${this.path}`);
  }

  /** The running server, or undefined. */
  findServer(): RunDescription | undefined {
    const run = readRun(this.data);
    return run && isServer(run.pid) ? run : undefined;
  }
}

/** Starts a server with two targets; serves when the promise resolves. */
export async function startServer(
  directory: QuickstartDirectory,
  port: number,
): Promise<RunDescription> {
  writeConfig(directory, port);
  const log = openSync(directory.log, 'a');
  const child = spawn(process.execPath, [serverProgram(), 'start', '-c', directory.config], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let status: string | undefined;
  child.on('exit', (code, signal) => (status = signal ?? `status ${code}`));
  child.unref();
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const run = directory.findServer();
    if (run?.pid === child.pid && run) return run;
    if (status !== undefined || performance.now() > deadline) {
      const how = status === undefined ? 'did not start in time' : `ended with ${status}`;
      throw new DaosError('DER_UNREACH', `daos-server ${how}:\n${lastLines(directory.log)}`);
    }
    await pause();
  }
}

/**
 * Stops the server, if there is one, and removes its directory. Returns whether there was anything.
 * A directory that the quick start didn't make is refused, and stays as it is.
 */
export async function stopServer(directory: QuickstartDirectory): Promise<boolean> {
  checkOwn(directory);
  const run = directory.findServer();
  if (run) {
    process.kill(run.pid, 'SIGTERM');
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (isServer(run.pid)) {
      if (performance.now() > deadline) process.kill(run.pid, 'SIGKILL');
      await pause();
    }
  }
  const isThere = existsSync(directory.path);
  // The mark goes last: what is left of an interrupted removal can be removed again.
  for (const name of isThere ? readdirSync(directory.path) : []) {
    const path = directory.part(name);
    if (path !== directory.config) rmSync(path, { recursive: true, force: true });
  }
  rmSync(directory.path, { recursive: true, force: true });
  return isThere;
}

function checkOwn(directory: QuickstartDirectory): void {
  const { path, config } = directory;
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) {
    throw new DaosError('DER_INVAL', `${path} is not a directory`);
  }
  const isOwn = existsSync(config) && readFileSync(config, 'utf8').startsWith(MARK);
  if (isOwn || readdirSync(path).length === 0) return;
  throw new DaosError(
    'DER_EXIST',
    `${path} holds what is not of the quick start, which would remove it: ` +
      'give another place with --home',
  );
}

/** The engine's process dies without a word, as in a crash. Resolves when it is gone. */
export async function killEngine(directory: QuickstartDirectory): Promise<number> {
  const pid = directory.findServer()?.engines[0]?.pid;
  if (pid === undefined) throw new DaosError('DER_UNREACH', 'the server has no engine to kill');
  process.kill(pid, 'SIGKILL');
  while (existsSync(`/proc/${pid}`)) await pause();
  return pid;
}

/** Waits for an engine with another process than `killedPid`. Returns its process. */
export async function awaitEngine(
  directory: QuickstartDirectory,
  killedPid: number,
): Promise<number> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const pid = directory.findServer()?.engines[0]?.pid;
    if (pid !== undefined && pid !== killedPid) return pid;
    await pause();
  }
  throw new DaosError(
    'DER_TIMEDOUT',
    `the engine was not started again:\n${lastLines(directory.log)}`,
  );
}

function writeConfig(directory: QuickstartDirectory, port: number): void {
  mkdirSync(directory.path, { recursive: true });
  writeFileSync(directory.config, configText(directory, port));
}

function configText(directory: QuickstartDirectory, port: number): string {
  return `${MARK} 'insecure' runs without certificates, on loopback alone.
name: quickstart
data_directory: ${JSON.stringify(directory.data)}
control:
  port: ${port}
  insecure: true
engines:
  - targets: ${TARGET_COUNT}
`;
}

/** A pid may have been given to another program meanwhile. */
function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('daos-server');
  } catch {
    return false;
  }
}

function serverProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('@daos/server/package.json');
  return join(dirname(manifest), 'dist/daos-server.js');
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-15).join('\n') : '';
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
