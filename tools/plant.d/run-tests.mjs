// Runs the tests that a fault names, and says which failed.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from '../test.d/process.mjs';

/** A fault may let a test wait for what never comes, and leave open what it should not open. */
const TEST_TIMEOUT_MS = 30_000;
const RUN_TIMEOUT_MS = 180_000;
const NODE = ['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const JEST = ['node_modules/jest/bin/jest.js', '--runInBand', '--ci', '--forceExit'];

/**
 * What ran of a file of jest: counts, the name of the first test that failed, and why. A file that
 * could not be run has no test.
 */
export async function runJest(directory, { test, only }) {
  const report = join(directory, 'report.json');
  rmSync(report, { force: true });
  const command = [...NODE, ...JEST];
  command.push('--json', `--outputFile=${report}`, `--testTimeout=${TEST_TIMEOUT_MS}`);
  if (only !== undefined) command.push('-t', only);
  const log = join(directory, 'jest.log');
  const options = { cwd: directory, log, timeoutMs: RUN_TIMEOUT_MS };
  const { how } = await runProcess([...command, '--runTestsByPath', test], options);
  try {
    return countsOf(JSON.parse(readFileSync(report, 'utf8')));
  } catch {
    return { passedCount: 0, failedCount: 0, reason: how };
  }
}

function countsOf({ numPassedTests, numFailedTests, testResults }) {
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.find(({ status }) => status === 'failed');
  const reason = failed?.failureMessages[0] ?? testResults[0]?.message ?? 'no test ran';
  return {
    passedCount: numPassedTests,
    failedCount: numFailedTests,
    name: failed?.fullName,
    reason,
  };
}

/** The same of a program of GoogleTest. */
export async function runGtest(directory, program, { only }) {
  const log = join(directory, 'gtest.log');
  const command = [program, `--gtest_filter=${only}`];
  const { output, how } = await runProcess(command, { cwd: directory, log });
  const all = (pattern) => [...output.matchAll(pattern)].map(([, name]) => name);
  const passed = all(/^\[ +OK \] (\S+)/gm);
  const failed = new Set(all(/^\[ +FAILED +\] ([\w/]+\.[\w/]+)/gm));
  const reason = /: Failure\n([^\n]+)/.exec(output)?.[1] ?? how;
  return {
    passedCount: passed.length,
    failedCount: failed.size,
    name: [...failed][0],
    reason,
  };
}
