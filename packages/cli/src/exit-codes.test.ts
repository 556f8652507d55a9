import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
import { makeDaos } from './daos.js';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';

test('cli/exit-codes: docs/cli.md lists them all, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
  const section = text.slice(text.indexOf('## Exit codes'));
  const documented = [...section.matchAll(/^\| (\d+) \| (\w+) \|/gm)].map((m) => [
    m[2],
    Number(m[1]),
  ]);
  expect(Object.fromEntries(documented)).toEqual(EXIT_CODES);
});

test('cli/exit-codes: an error without a code of its own is a failure', () => {
  expect(exitCodeOf(new DaosError('DER_NONEXIST'))).toBe(EXIT_CODES.notFound);
  expect(exitCodeOf(new DaosError('DER_KEY2BIG'))).toBe(EXIT_CODES.usage);
  expect(exitCodeOf(new DaosError('DER_IO'))).toBe(EXIT_CODES.failed);
  expect(exitCodeOf(new Error('odd'))).toBe(EXIT_CODES.failed);
});

test('cli/exit-codes: with --json a wrong command line is an object and nothing else', async () => {
  const wrong: [string[], string][] = [
    [['--json', 'pol'], "unknown command 'pol'"],
    [['pool', 'query', '--json'], "missing required argument 'pool'"],
    [['pool', 'list', '--bogus', '-j'], "unknown option '--bogus'"],
    [['-j', 'pool'], 'no command is given'],
    [['-j', 'pool', 'qery', '--help'], "unknown command 'qery'"],
    [['--control', 'foo', 'pool', 'list', '-j'], "'foo' is no address of a control service"],
    [['-j'], 'no command is given'],
  ];
  for (const [parameters, message] of wrong) {
    const written: string[] = [];
    const errors: string[] = [];
    const cli = makeDaos({
      environment: {},
      write: (text) => void written.push(String(text)),
      writeError: (text) => void errors.push(text),
    });
    expect(await cli.run(parameters)).toBe(EXIT_CODES.usage);
    expect(JSON.parse(written.join(''))).toEqual({
      response: null,
      error: expect.stringContaining(message),
      status: -new DaosError('DER_INVAL').value,
    });
    expect(errors.join('')).toBe('');
  }
});

test('cli/exit-codes: help for a command that is not there is refused', async () => {
  const run = async (...parameters: string[]) => {
    let output = '';
    let errors = '';
    const cli = makeDaos({
      environment: {},
      write: (text) => void (output += String(text)),
      writeError: (text) => void (errors += text),
    });
    return { status: await cli.run(parameters), output, errors };
  };
  for (const wrong of [['foo', '--help'], ['pool', 'foo', '-h'], ['--help', 'pool', 'foo']]) {
    expect(await run(...wrong)).toEqual({
      status: EXIT_CODES.usage,
      output: '',
      errors: "error: unknown command 'foo'\n",
    });
  }
  const right = [['--help'], ['cont', 'ls', '--help'], ['--control', 'foo', 'pool', '--help']];
  for (const parameters of right) {
    expect(await run(...parameters)).toMatchObject({
      status: EXIT_CODES.done,
      output: expect.stringContaining('Usage: daos'),
    });
  }
});
