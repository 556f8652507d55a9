// Runs a program with a time limit, its output going to a log file.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Runs `command` and resolves, never rejects, with
 * - `ok`: it ended with exit code 0,
 * - `how`: how it ended, in words ("exit code 1", "killed by SIGSEGV", "no end after 600 s"),
 * - `output`: what it wrote to both streams, also appended to `log`.
 *
 * It runs in a process group of its own, which is ended with it when the time is over.
 */
export function runProcess(command, { cwd, log, environment = {}, timeoutMs = 600_000 }) {
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: 'a' });
  file.write(`$ ${command.join(' ')}\n`);
  return new Promise((resolve) => {
    const chunks = [];
    let isTimedOut = false;
    const child = spawn(command[0], command.slice(1), {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const timer = setTimeout(() => {
      isTimedOut = true;
      endGroup(child.pid);
    }, timeoutMs);
    const keep = (chunk) => {
      chunks.push(chunk);
      file.write(chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let spawnError;
    child.on('error', (error) => (spawnError = error));
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      file.end();
      const output = Buffer.concat(chunks).toString('utf8');
      const how = endOf({ exitCode, signal, isTimedOut, spawnError, timeoutMs });
      resolve({ ok: exitCode === 0, how, output });
    });
  });
}

function endOf({ exitCode, signal, isTimedOut, spawnError, timeoutMs }) {
  if (spawnError !== undefined) return `did not start: ${spawnError.message}`;
  if (isTimedOut) return `no end after ${Math.round(timeoutMs / 1000)} s`;
  return signal === null ? `exit code ${exitCode}` : `killed by ${signal}`;
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group ended in this very moment.
  }
}
