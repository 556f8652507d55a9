import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nativeTargetOf, programsOf } from './benches.mjs';
import { parseFlags } from './flags.mjs';
import { documentedNames, expandBraces, formatTable, parseMetrics } from './metrics.mjs';

const metric = { name: 'a/b', value: 1.5, unit: 'us', reference: null, ratio: null };

describe('tools/bench', () => {
  test('wrong flags are named before anything is built', () => {
    expect(parseFlags(['rpc', '--only', 'rpc/shm', '--seconds', '0.3', '--json'])).toEqual({
      name: 'rpc',
      isHelp: false,
      isJson: true,
      isList: false,
      passed: ['--only', 'rpc/shm', '--seconds', '0.3'],
    });
    expect(parseFlags(['rpc', '--seconds', 'x']).error).toContain("'x' is not a number");
    expect(parseFlags(['rpc', '--seconds', '0']).error).toContain("'0' is not a number");
    expect(parseFlags(['rpc', '--only']).error).toContain('--only needs a value');
    expect(parseFlags(['rpc', '--bogus']).error).toContain("bad flag '--bogus'");
    expect(parseFlags(['rpc', 'bio']).error).toContain("bad flag 'bio'");
  });

  test('metrics are taken as printed, malformed ones are refused by name', () => {
    expect(parseMetrics(JSON.stringify({ metrics: [metric] }))).toEqual([metric]);
    const broken = JSON.stringify({ metrics: [{ ...metric, value: 'fast' }] });
    expect(() => parseMetrics(broken)).toThrow('metric a/b is malformed');
    expect(() => parseMetrics('{}')).toThrow('no metrics');
    expect(() => parseMetrics('')).toThrow();
  });

  test('the table groups digits and leaves out what was not measured', () => {
    const rate = { name: 'a/rate', value: 1234567.8, unit: 'ops/s', reference: 2e6, ratio: 0.617 };
    expect(formatTable([metric, rate])).toBe(
      [
        'name        value  unit   reference  ratio',
        'a/b          1.50  us             -      -',
        'a/rate  1,234,568  ops/s  2,000,000  0.617',
      ].join('\n'),
    );
  });

  test('docs list names with choices in braces', () => {
    expect(expandBraces('a/{b,c}/{d,e}')).toEqual(['a/b/d', 'a/b/e', 'a/c/d', 'a/c/e']);
    const page = 'text `x/y`\n| `a/{b,c}/rate` | echo |\n|---|---|\n';
    expect([...documentedNames(page)]).toEqual(['a/b/rate', 'a/c/rate']);
  });

  test('a program belongs to the name its file begins with', () => {
    const root = mkdtempSync(join(tmpdir(), 'daos-bench-'));
    const sources = [
      'native/vos/vos_bench.cc',
      'native/vos/arena/vos_log_bench.cc',
      'native/vos/vos_test.cc',
      'packages/client/bench/node-bench.mjs',
      'packages/client/src/index.ts',
    ];
    for (const source of sources) {
      mkdirSync(dirname(join(root, source)), { recursive: true });
      writeFileSync(join(root, source), '');
    }
    const programs = programsOf(root).sort((a, b) => (a.source < b.source ? -1 : 1));
    rmSync(root, { recursive: true });
    expect(programs).toEqual([
      { name: 'vos', source: 'native/vos/arena/vos_log_bench.cc', isNative: true },
      { name: 'vos', source: 'native/vos/vos_bench.cc', isNative: true },
      { name: 'node', source: 'packages/client/bench/node-bench.mjs', isNative: false },
    ]);
    expect(nativeTargetOf('native/vos/arena/vos_log_bench.cc')).toEqual({
      target: 'vos_log_bench',
      program: 'vos/vos_log_bench',
    });
  });
});
