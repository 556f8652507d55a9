// Runs every example of every package's README as a reader would: a program of its own, in an empty
// directory, that imports the package by name.
import { describe, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const packages = join(dirname(fileURLToPath(import.meta.url)), '../packages');

/** The TypeScript blocks that import something: whole programs. */
function examplesOf(name) {
  const text = readFileSync(join(packages, name, 'README.md'), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)]
    .map(([, code]) => code)
    .filter((code) => /^import /m.test(code));
}

const examples = readdirSync(packages).flatMap((name) =>
  examplesOf(name).map((code, index) => [name, index + 1, code]),
);

describe('readme', () => {
  test.each(examples)('packages/%s: example %i runs', async (name, _index, code) => {
    const { code: program } = transformSync(code, {
      swcrc: false,
      module: { type: 'es6' },
      jsc: { target: 'es2022', parser: { syntax: 'typescript', explicitResourceManagement: true } },
    });
    // Below the package, so that imports resolve as for the package itself.
    const directory = mkdtempSync(join(packages, name, 'example-'));
    try {
      writeFileSync(join(directory, 'example.mjs'), program);
      const { stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], {
        cwd: directory,
      });
      expect(stderr).toBe('');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
