import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
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
