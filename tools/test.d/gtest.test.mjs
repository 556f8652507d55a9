import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import {
  programsOf,
  runShard,
  shardsOf,
  tallyOfOutput,
  tallyOfReport,
  tallyOfShards,
} from './gtest.mjs';

const directory = mkdtempSync(join(tmpdir(), 'daos-gtest-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A program that stands for a GoogleTest binary: a shell script. */
function program(name, script) {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\nreport=\${1#--gtest_output=json:}\n${script}\n`, { mode: 0o755 });
  return { name, command: [path], cwd: directory, environment: {}, timeoutMs: 10_000 };
}

const testCase = (name, more = {}) => ({
  name,
  classname: 'Tree',
  status: 'RUN',
  result: 'COMPLETED',
  ...more,
});
/** Runs a program whole. */
const runTestProgram = async (about, logDirectory) =>
  tallyOfShards(about.name, [await runShard(shardsOf(about, 1)[0], logDirectory)]);

const reportOf = (...cases) => ({ testsuites: [{ testsuite: cases }] });

describe('tools/test: GoogleTest', () => {
  test('programs come with their environment and time limit', () => {
    const tests = [
      {
        name: 'vos',
        command: ['/b/vos_test'],
        properties: [
          { name: 'ENVIRONMENT', value: ['A=b=c'] },
          { name: 'TIMEOUT', value: 5 },
          { name: 'WORKING_DIRECTORY', value: '/b' },
        ],
      },
      { name: 'not built' },
    ];
    expect(programsOf(JSON.stringify({ tests }))).toEqual([
      {
        name: 'vos',
        command: ['/b/vos_test'],
        cwd: '/b',
        environment: { A: 'b=c' },
        timeoutMs: 5000,
        cost: 0,
      },
    ]);
  });

  test('what takes long comes first', () => {
    const properties = [{ name: 'COST', value: 100 }];
    const tests = [
      { name: 'short', command: ['/b/short_test'] },
      { name: 'long', command: ['/b/long_test'], properties },
    ];
    const names = programsOf(JSON.stringify({ tests })).map(({ name }) => name);
    expect(names).toEqual(['long', 'short']);
  });

  test('shards are counted together, and one of them may be empty', async () => {
    const passes = JSON.stringify(reportOf(testCase('passes')));
    const script = `found='{}'
[ "$GTEST_SHARD_INDEX/$GTEST_TOTAL_SHARDS" = 1/2 ] && found='${passes}'
echo "$found" > $report`;
    const shards = shardsOf(program('shared_test', script), 2);
    const tallies = [];
    for (const shard of shards) tallies.push(await runShard(shard, directory));
    expect(tallyOfShards('shared_test', tallies)).toEqual({
      passedCount: 1,
      failed: [],
      skipped: [],
    });
    expect(tallyOfShards('shared_test', tallies.slice(0, 1)).failed).toEqual([
      'shared_test: ran no test',
    ]);
  });

  test('a report tells passed, failed, skipped and disabled tests apart', () => {
    const report = reportOf(
      testCase('passes'),
      testCase('fails', { failures: [{ failure: 'no\n' }] }),
      testCase('skips', { result: 'SKIPPED' }),
      testCase('off', { status: 'NOTRUN' }),
    );
    expect(tallyOfReport('vos', report)).toEqual({
      passedCount: 1,
      failed: ['vos: Tree.fails\n      no'],
      skipped: ['vos: Tree.skips', 'vos: Tree.off'],
    });
  });

  test('a crash counts as a failure that names the test and how many did not run', () => {
    const output = [
      '[==========] Running 4 tests from 1 test suite.',
      '[ RUN      ] Tree.passes',
      '[       OK ] Tree.passes (0 ms)',
      '[ RUN      ] Tree.crashes',
    ].join('\n');
    const said = output.replaceAll('\n', '\n      ');
    expect(tallyOfOutput('vos', output, 'killed by SIGSEGV')).toEqual({
      passedCount: 1,
      failed: [`vos: killed by SIGSEGV in Tree.crashes; 2 tests did not run\n      ${said}`],
      skipped: [],
    });
  });

  test('a program that dies without a report has failed', async () => {
    const tally = await runTestProgram(program('dies_test', 'kill -SEGV $$'), directory);
    expect(tally.failed).toEqual(['dies_test: killed by SIGSEGV outside of any test']);
  });

  test('a program that dies after its tests has failed', async () => {
    const report = JSON.stringify(reportOf(testCase('passes')));
    const dies = program('late_test', `echo '${report}' > $report; exit 3`);
    const tally = await runTestProgram(dies, directory);
    expect(tally).toMatchObject({
      passedCount: 1,
      failed: ['late_test: exit code 3 after its tests'],
    });
  });

  test('a program without a single test has failed', async () => {
    const empty = program('empty_test', `echo '{"testsuites":[]}' > $report`);
    expect((await runTestProgram(empty, directory)).failed).toEqual(['empty_test: ran no test']);
  });

  test('a program that never ends is ended and has failed', async () => {
    const hangs = { ...program('hangs_test', 'sleep 60 & wait'), timeoutMs: 200 };
    const tally = await runTestProgram(hangs, directory);
    expect(tally.failed[0]).toContain('no end after 0 s');
  });
});
