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
  expect(exitCodeOf(new DaosError('DER_IO'))).toBe(EXIT_CODES.failed);
  expect(exitCodeOf(new Error('odd'))).toBe(EXIT_CODES.failed);
});

test('cli/exit-codes: with --json a wrong command line is an object and nothing else', async () => {
  const wrong: [string[], string][] = [
    [['--json', 'pol'], "unknown command 'pol'"],
    [['pool', 'query', '--json'], "missing required argument 'pool'"],
    [['pool', 'list', '--bogus', '-j'], "unknown option '--bogus'"],
    [['-j', 'pool'], 'no command is given'],
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
