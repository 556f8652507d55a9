// Goal:   the example of README.md runs as it stands there and prints what one would expect.
// Method: its block of TypeScript, compiled, in a process of its own; only the store's path is
//         another one.

import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const PACKAGE = join(import.meta.dirname, '..');

async function exampleOf(path: string): Promise<string> {
  const found = /```ts\n(.*?)```/s.exec(await readFile(path, 'utf8'));
  if (found?.[1] === undefined) throw new Error(`${path} has no example`);
  return found[1];
}

test('vos/readme: the example runs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'daos-vos-readme-'));
  try {
    const example = await exampleOf(join(PACKAGE, 'README.md'));
    const placed = example.replace("Vos.create('store'", `Vos.create('${directory}/store'`);
    expect(placed).not.toBe(example);
    const { ESNext: module } = ts.ModuleKind;
    const { ES2022: target } = ts.ScriptTarget;
    const { outputText } = ts.transpileModule(placed, { compilerOptions: { module, target } });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', outputText],
      { cwd: PACKAGE },
    );
    expect(stdout.trim().split('\n')).toEqual([
      'Ada Lovelace',
      'Ada',
      'Grace',
      'name single',
      'photo array',
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
