// An engine in a process of its own, on the first core, with a pool on tmpfs.
//
// Run as a program (TRANSPORT [ARENA_BYTES]) it is that process: it prints what a client must know,
// and serves until its standard input ends.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startEngine } from '@daos/native';

const program = fileURLToPath(import.meta.url);
/** It polls for ever: a blocked thread is not what is measured. */
const SPIN_MICROSECONDS = 1e12;
const ARENA_BYTES = 2 * 2 ** 30;

/** { description, stop }: `description` is { pool, container, addresses } as case.mjs takes it. */
export async function startEngineProcess(transport) {
  const child = spawn(process.execPath, [program, transport], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PMEM_IS_PMEM_FORCE: '1' },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const line = await Promise.race([
    new Promise((resolve) => createInterface(child.stdout).once('line', resolve)),
    ended.then((code) => Promise.reject(new Error(`the engine ended with exit code ${code}`))),
  ]);
  const stop = () => {
    child.stdin.end();
    return ended;
  };
  return { description: JSON.parse(line), stop };
}

async function serve(transport, arenaBytes) {
  const dataDirectory = mkdtempSync('/dev/shm/daos-bench-');
  const engine = await startEngine({
    rank: 0,
    dataDirectory,
    transports: [transport],
    spinMicroseconds: SPIN_MICROSECONDS,
    pinCores: [0],
    store: { arena: 'pmem' },
  });
  const pool = randomUUID();
  const container = randomUUID();
  await engine.createPool(pool, { arenaBytes, dataBytes: 0 });
  await engine.createContainer(pool, container);
  console.log(JSON.stringify({ pool, container, addresses: await engine.addresses() }));
  process.stdin.resume().once('end', async () => {
    await engine.stop();
    rmSync(dataDirectory, { recursive: true });
  });
}

if (process.argv[1] === program) {
  await serve(process.argv[2], Number(process.argv[3] ?? ARENA_BYTES));
}
