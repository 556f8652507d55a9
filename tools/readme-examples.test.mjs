// Runs every example of every package's README, and of docs that show whole programs, as a reader
// would: a program of its own, in an empty directory, that imports packages by name.
import { describe, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packages = join(root, 'packages');
/** Pages with programs, and the package from whose dependencies these import. */
const PAGES = [['docs/client-js.md', 'embedded']];

/** The TypeScript blocks that import something: whole programs. */
function examplesOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)]
    .map(([, code]) => code)
    .filter((code) => /^import /m.test(code));
}

const readmes = readdirSync(packages).map((name) => [`packages/${name}/README.md`, name]);
const examples = [...readmes, ...PAGES].flatMap(([file, name]) =>
  examplesOf(file).map((code, index) => [file, index + 1, name, code]),
);

describe('readme', () => {
  test.each(examples)('%s: example %i runs', async (_file, _index, name, code) => {
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
