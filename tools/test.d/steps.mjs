// Steps with a line each: set-up, which everything after it needs, and checks, which are counted.
import { join } from 'node:path';
import { runProcess } from './process.mjs';
import { describe, single } from './tally.mjs';

export class SetUpError extends Error {}

export const minutes = (count) => count * 60_000;

/** "1.2 s" since `start`, a value of Date.now(). */
export const seconds = (start) => `${((Date.now() - start) / 1000).toFixed(1)} s`;

const lastLines = (output) => output.split('\n').slice(-30).join('\n');
const fileNameOf = (name) => `${name.replaceAll(/[^\w-]+/g, '-')}.log`;

/** Runs commands in `root` and keeps what they print in `logDirectory`. */
export class Steps {
  constructor(root, logDirectory) {
    this.root = root;
    this.logDirectory = logDirectory;
  }

  /** Runs a command that everything after it needs. SetUpError, naming the log, when it fails. */
  async setUp(name, command, timeoutMs) {
    const start = Date.now();
    process.stdout.write(`set-up: ${name} ... `);
    const { ok, how, output, log } = await this.run(name, command, { timeoutMs });
    process.stdout.write(`${ok ? 'done' : how} (${seconds(start)})\n`);
    if (ok) return;
    process.stdout.write(`${lastLines(output)}\n`);
    throw new SetUpError(`set-up: ${name}: ${how}, see ${log}`);
  }

  /** Runs one check, prints its line and returns its tally. */
  async check(name, run) {
    const start = Date.now();
    process.stdout.write(`${name} ... `);
    const tally = await run();
    process.stdout.write(`${describe(tally)} (${seconds(start)})\n`);
    return tally;
  }

  /** A check that is one command: it passes with exit code 0. */
  async checkCommand(name, command, timeoutMs) {
    return this.check(name, async () => {
      const { ok, how, output } = await this.run(name, command, { timeoutMs });
      if (!ok) process.stdout.write(`\n${lastLines(output)}\n`);
      return single(name, ok, how);
    });
  }

  /** runProcess with a log named like the step; adds `log` to what that resolves to. */
  async run(name, command, options = {}) {
    const log = join(this.logDirectory, fileNameOf(name));
    return { log, ...(await runProcess(command, { cwd: this.root, log, ...options })) };
  }
}
