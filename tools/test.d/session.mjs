// One run of checks from start to sum.
import { mkdirSync, rmSync } from 'node:fs';
import { seconds, SetUpError, Steps } from './steps.mjs';
import { describe, single, sum } from './tally.mjs';

/**
 * Empties `logDirectory`, calls `run(steps, tallies)`, which adds to `tallies` as it goes, so that
 * what ran counts even when a later set-up step fails, then prints who failed and the sum. Sets the
 * exit code: 0 only when something passed and nothing failed.
 */
export async function runSession(root, logDirectory, run) {
  rmSync(logDirectory, { recursive: true, force: true });
  mkdirSync(logDirectory, { recursive: true });
  const start = Date.now();
  const tallies = [];
  try {
    await run(new Steps(root, logDirectory), tallies);
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    tallies.push(single(error.message, false));
  }
  const total = sum(tallies);
  console.log(`\nall of it took ${seconds(start)}; logs: ${logDirectory}`);
  if (total.skipped.length > 0) console.log(`skipped:\n  ${total.skipped.join('\n  ')}`);
  if (total.failed.length > 0) console.log(`failed:\n  ${total.failed.join('\n  ')}`);
  console.log(describe(total));
  process.exitCode = total.failed.length > 0 || total.passedCount === 0 ? 1 : 0;
}
