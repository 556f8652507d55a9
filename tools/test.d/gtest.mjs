// Runs the GoogleTest programs that ctest knows and counts their single tests.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from './process.mjs';
import { emptyTally, single, sum, withReason } from './tally.mjs';

/** The programs that ctest would run, long ones first. */
export function programsOf(ctestJson) {
  return JSON.parse(ctestJson)
    .tests.filter((test) => Array.isArray(test.command))
    .map(({ name, command, properties = [] }) => {
      const property = (key) => properties.find((each) => each.name === key)?.value;
      const assignments = (property('ENVIRONMENT') ?? []).map((text) => {
        const equals = text.indexOf('=');
        return [text.slice(0, equals), text.slice(equals + 1)];
      });
      return {
        name,
        command,
        cwd: property('WORKING_DIRECTORY'),
        environment: Object.fromEntries(assignments),
        timeoutMs: (property('TIMEOUT') ?? 600) * 1000,
        cost: property('COST') ?? 0, // ctest's own, for what takes long
      };
    })
    .sort((left, right) => right.cost - left.cost);
}

/** The tally of a program's JSON report. */
export function tallyOfReport(program, report) {
  const tally = emptyTally();
  for (const suite of report.testsuites ?? []) {
    for (const test of suite.testsuite ?? []) {
      const name = `${program}: ${test.classname}.${test.name}`;
      const failures = (test.failures ?? []).map(({ failure }) => failure);
      if (failures.length > 0) tally.failed.push(withReason(name, failures.join('\n')));
      else if (test.status !== 'RUN' || test.result === 'SKIPPED') tally.skipped.push(name);
      else tally.passedCount += 1;
    }
  }
  return tally;
}

/** The tally of a program that died: from what it printed up to then. */
export function tallyOfOutput(program, output, how) {
  const tally = emptyTally();
  let running;
  for (const line of output.split('\n')) {
    const [, state, name] = /^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([\w/]+\.[\w/]+)/.exec(line) ?? [];
    if (state === 'RUN') running = name;
    // The summary at the end repeats names; only a test that runs can end.
    if (running === undefined || state === undefined || state === 'RUN' || name !== running)
      continue;
    if (state === 'OK') tally.passedCount += 1;
    if (state === 'FAILED') tally.failed.push(`${program}: ${name}`);
    if (state === 'SKIPPED') tally.skipped.push(`${program}: ${name}`);
    running = undefined;
  }
  const place = running === undefined ? 'outside of any test' : `in ${running}`;
  const plannedCount = Number(/Running (\d+) tests?/.exec(output)?.[1] ?? 0);
  const missingCount =
    plannedCount -
    tally.passedCount -
    tally.failed.length -
    tally.skipped.length -
    (running ? 1 : 0);
  const missing = missingCount > 0 ? `; ${missingCount} tests did not run` : '';
  tally.failed.push(withReason(`${program}: ${how} ${place}${missing}`, output, { last: true }));
  return tally;
}

/** What to run for a program: itself, or `count` shards, as GoogleTest deals its tests out. */
export function shardsOf(program, count) {
  if (count === 1) return [{ ...program, shard: program.name }];
  return Array.from({ length: count }, (_, index) => ({
    ...program,
    shard: `${program.name}-${index}`,
    environment: {
      ...program.environment,
      GTEST_TOTAL_SHARDS: String(count),
      GTEST_SHARD_INDEX: String(index),
    },
  }));
}

/** The tally of a program from those of its shards. */
export function tallyOfShards(name, tallies) {
  const tally = sum(tallies);
  if (tally.passedCount + tally.failed.length + tally.skipped.length === 0) {
    tally.failed.push(`${name}: ran no test`);
  }
  return tally;
}

/**
 * Runs one of `shardsOf`; to be summed by `tallyOfShards`. A program without GoogleTest counts as
 * one test.
 */
export async function runShard(
  { name, shard, command, cwd, environment, timeoutMs },
  logDirectory,
) {
  const reportFile = join(logDirectory, `${shard}.json`);
  rmSync(reportFile, { force: true });
  const options = { cwd, environment, timeoutMs, log: join(logDirectory, `${shard}.log`) };
  const isGtest = command[0].endsWith('_test');
  if (!isGtest) {
    const { ok, how } = await runProcess(command, options);
    return single(name, ok, how);
  }
  const result = await runProcess([...command, `--gtest_output=json:${reportFile}`], options);
  if (!existsSync(reportFile)) return tallyOfOutput(name, result.output, result.how);
  const tally = tallyOfReport(name, JSON.parse(readFileSync(reportFile, 'utf8')));
  // A program may finish its tests and die in a destructor, or fail outside of every test.
  if (!result.ok && tally.failed.length === 0)
    tally.failed.push(`${name}: ${result.how} after its tests`);
  return tally;
}
