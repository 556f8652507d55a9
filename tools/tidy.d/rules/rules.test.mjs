// Each rule on a small tree that keeps it and on one that breaks it.
import { describe, expect, test } from '@jest/globals';
import { Tree } from '../tree.mjs';

/** What the rule finds in a tree of { path: text }: "path:line: text". */
async function findingsIn(rule, texts, kind = 'check') {
  const found = (await import(`./${rule}.mjs`))[kind](Tree.ofObject(texts));
  return found.map(({ file, line, text }) => `${file}${line ? `:${line}` : ''}: ${text}`);
}

const manifest = (name, dependencies = {}) => JSON.stringify({ name, dependencies });

describe('tools/tidy: native-layers', () => {
  const find = (texts) => findingsIn('native-layers', texts);

  test('modules see those below them, their own and system headers', async () => {
    const text = '#include "vos/a.h"\n#include "bio/media.h"\n#include <libpmemobj.h>\n';
    expect(await find({ 'native/vos/a.cc': text })).toEqual([]);
    expect(await find({ 'native/node/a.cc': '#include <napi.h>\n#include "vos/a.h"' })).toEqual([]);
    expect(await find({ 'native/vos/a_bench.cc': '#include "bench/report.h"' })).toEqual([]);
  });

  test('vos must not see rpc, nor client bio, nor engine client, nor anyone node', async () => {
    for (const [module, seen] of [
      ['vos', 'rpc'],
      ['client', 'bio'],
      ['engine', 'client'],
      ['base', 'runtime'],
      ['simulator', 'node'],
    ]) {
      const found = await find({ [`native/${module}/a.h`]: `\n#include "${seen}/b.h"` });
      expect(found).toEqual([`native/${module}/a.h:2: ${module} must not see ${seen}`]);
    }
  });

  test('foreign headers, benchmarks and bare names are told', async () => {
    const found = await find({
      'native/engine/a.cc':
        '#include <napi.h>\n#include "bench/report.h"\n#include "b.h"\n#include "testing/a.h"',
      'native/newcomer/a.cc': '',
    });
    expect(found).toEqual([
      'native/newcomer: not in the order of tools/tidy.d/layers.mjs',
      'native/engine/a.cc:1: <napi.h> belongs to node; engine must not see it',
      'native/engine/a.cc:2: only *_bench.{h,cc} and raw_*.h include bench/',
      'native/engine/a.cc:3: include "b.h" by its path from native/',
      'native/engine/a.cc:4: only *_test.cc and *_fixture.h include testing/',
    ]);
  });
});

describe('tools/tidy: package-layers', () => {
  const find = (texts) => findingsIn('package-layers', texts);

  test('client must not import server, and every import is declared', async () => {
    const found = await find({
      'packages/client/package.json': manifest('@daos/client', { '@daos/model': '*', zod: '*' }),
      'packages/client/src/index.ts':
        "import { z } from 'zod';\nimport a from '@daos/model';\nimport b from '@daos/server';\n" +
        "import c from 'pino';\nimport d from 'node:fs';\nexport * from './e.js';",
    });
    expect(found).toEqual([
      'packages/client/src/index.ts:3: @daos/client must not import @daos/server',
      'packages/client/src/index.ts:4: pino is not among the dependencies of @daos/client',
    ]);
  });

  test('a fixture, which is not packed, needs no dependency', async () => {
    const found = await find({
      'packages/client/package.json': manifest('@daos/client', {}),
      'packages/client/src/a-fixture.ts': "import c from 'pino';\n",
      'packages/client/src/a.ts': "import c from 'pino';\n",
    });
    expect(found).toEqual([
      'packages/client/src/a.ts:1: pino is not among the dependencies of @daos/client',
    ]);
  });

  test('a package without a place in the order is told, a prebuild needs none', async () => {
    const found = await find({
      'packages/native-linux-x64-gnu/package.json': manifest('x'),
      'packages/newcomer/package.json': manifest('@daos/newcomer'),
    });
    expect(found).toEqual(['packages/newcomer: not in the order of tools/tidy.d/layers.mjs']);
  });
});

test('tools/tidy: project-references: a missing reference is told at both places', async () => {
  const found = await findingsIn('project-references', {
    'tsconfig.json': '{"references":[{"path":"packages/model"}]}',
    'packages/model/package.json': manifest('@daos/model'),
    'packages/model/tsconfig.json': '{}',
    'packages/client/package.json': manifest('@daos/client', { '@daos/model': '*' }),
    'packages/client/tsconfig.json': '{}',
  });
  expect(found).toEqual([
    'tsconfig.json: does not reference packages/client',
    'packages/client/tsconfig.json: depends on @daos/model without a reference to ../model',
  ]);
});

test('tools/tidy: file-size: 1,000 lines are the limit, over 500 there is advice', async () => {
  const texts = { 'native/a/a.cc': 'x\n'.repeat(1001), 'native/a/b.cc': 'x\n'.repeat(1000) };
  expect(await findingsIn('file-size', texts)).toEqual(['native/a/a.cc: 1001 lines; at most 1000']);
  expect(await findingsIn('file-size', texts, 'advise')).toHaveLength(1);
  expect(await findingsIn('file-size', { 'native/a/generated/t.h': 'x\n'.repeat(2000) })).toEqual(
    [],
  );
});

test('tools/tidy: function-length: 70 lines are the limit, over 40 there is advice', async () => {
  const body = (lineCount) => `void f() {\n${'x;\n'.repeat(lineCount - 2)}}\n`;
  const find = (lineCount, kind) =>
    findingsIn('function-length', { 'native/a/a.cc': body(lineCount) }, kind);
  expect(await find(71)).toEqual(['native/a/a.cc:1: f has 71 lines; at most 70']);
  expect(await find(70)).toEqual([]);
  expect(await find(41, 'advise')).toHaveLength(1);
  expect(await find(40, 'advise')).toEqual([]);
});

test('tools/tidy: conditional-awaits: co_await in a branch of ?: is told', async () => {
  const find = (text) => findingsIn('conditional-awaits', { 'native/a/a.cc': text });
  expect(await find('f();\nx = isLong ? co_await a()\n : co_await b();')).toEqual([
    'native/a/a.cc:2: co_await after ? of a conditional expression; write it with if and else',
  ]);
  expect(await find('x = co_await f(isLong ? 1 : 2); // ? co_await')).toEqual([]);
  expect(await find('if (isLong ? a : b) { co_await f(); }')).toEqual([]);
});

test('tools/tidy: line-length: 100 columns, counted in characters', async () => {
  const find = (text) => findingsIn('line-length', { 'native/a/a.h': text });
  expect(await find('ü'.repeat(100))).toEqual([]);
  expect(await find('ü'.repeat(101))).toEqual(['native/a/a.h:1: 101 columns; at most 100']);
});

test('tools/tidy: file-names: junk drawers and foreign spellings are told', async () => {
  const find = async (path) => (await findingsIn('file-names', { [path]: '' })).length;
  expect(await find('native/base/utils.h')).toBe(1);
  expect(await find('packages/a/src/helpers/x.ts')).toBe(1);
  expect(await find('native/base/ExtentTree.cc')).toBe(1);
  expect(await find('packages/a/src/extent_tree.ts')).toBe(1);
  expect(await find('native/base/extent_tree.cc')).toBe(0);
  expect(await find('packages/a/src/extent-tree.test.ts')).toBe(0);
});

test('tools/tidy: readme: a module without one, or with an empty one, is told', async () => {
  const found = await findingsIn('readme', {
    'native/vos/vos.h': '',
    'native/schema/errors.json': '',
    'packages/model/package.json': '',
    'packages/model/README.md': '# model',
    'native/bio/README.md': 'word '.repeat(20),
  });
  expect(found).toEqual([
    'native/vos/README.md: does not exist',
    'packages/model/README.md: says nothing',
  ]);
});

test('tools/tidy: file-header: a file opens with a comment, unless its header does', async () => {
  const found = await findingsIn('file-header', {
    'native/vos/a.h': '// What it is.\n',
    'native/vos/a.cc': '#include "vos/a.h"\n',
    'native/vos/b.cc': '#include "vos/a.h"\n',
    'native/vos/a_test.cc': '#include "vos/a.h"\n',
    'packages/a/src/a.ts': '#!/usr/bin/env node\n/** What it is. */\n',
    'packages/a/src/b.ts': "import './a.js';\n",
  });
  expect(found.map((each) => each.split(':')[0])).toEqual([
    'native/vos/b.cc',
    'packages/a/src/b.ts',
  ]);
});

test('tools/tidy: environment: only main reads it', async () => {
  const texts = {
    'native/engine/target.cc': 'auto a = std::getenv("A");',
    'native/engine/engine_main.cc': 'auto a = std::getenv("A");',
    'native/engine/a.cc': '// as getenv() would\n',
    'packages/server/src/config.ts': 'const a = process.env.A;',
    'packages/server/src/main.ts': 'const a = process.env.A;',
  };
  expect(await findingsIn('environment', texts)).toEqual([
    'native/engine/target.cc:1: pass it in as an argument from main',
    'packages/server/src/config.ts:1: pass it in as an argument from main',
  ]);
});

test('tools/tidy: foreign-names: registries and paths of one machine are told', async () => {
  const find = async (text) => (await findingsIn('foreign-names', { 'docs/a.md': text })).length;
  const host = ['deb', 'example', 'org'].join('.');
  expect(await find(`from ${host}`)).toBe(1);
  expect(await find(`see \`/${'work'}/main\``)).toBe(1);
  expect(await find('a framework/work/flow and https://example.org/deb')).toBe(0);
});

test('tools/tidy: error-codes: unknown and unexplained ones are told', async () => {
  const found = await findingsIn('error-codes', {
    'native/schema/errors.json': '{"errors":[{"name":"IO"},{"name":"BUSY"}]}',
    'docs/errors.md': '`DER_IO`',
    'native/vos/a.h': '// DER_IO or\n// DER_ODD.',
  });
  expect(found).toEqual([
    'docs/errors.md: does not explain DER_BUSY',
    'native/vos/a.h:2: DER_ODD is not in native/schema/errors.json',
  ]);
});

test('tools/tidy: markdown-links: a link leads to a file, a folder or a heading', async () => {
  const texts = {
    'README.md':
      '[a](docs/a.md#two-words) [b](docs) [c](https://x.example) `[d](e)`\n' +
      '```\n[f](g)\n```\n[h](docs/b.md)\n[i](docs/a.md#three)',
    'docs/a.md': '# One\n\n## Two words\n[up](../README.md)\n[here](#one)',
  };
  expect(await findingsIn('markdown-links', texts)).toEqual([
    'README.md:5: docs/b.md leads nowhere',
    'README.md:6: docs/a.md has no heading #three',
  ]);
});

test('tools/tidy: binding-signatures: both are shown over each function', async () => {
  const found = await findingsIn('binding-signatures', {
    'native/node/pool_binding.cc':
      '// C++: Result<Pool> open(std::string label)\n// TS:  open(label: string): Pool\n' +
      'Task<Status> open(Core& core, Request& request) {\n  f(request);\n}\n' +
      '// TS: close(): void\nStatus close(Core& core,\n             Request& request) {\n}\n' +
      'bool isOpen(Core& core) {\n}\nStatus declared(Request& request);\n',
  });
  expect(found).toEqual(['native/node/pool_binding.cc:7: lacks a comment with C++:']);
});

test('tools/tidy: doc-paths: paths exist and the map is whole', async () => {
  const texts = {
    'README.md':
      '`native/vos/vos.h` `native/vos` `native/**/*_bench.cc` `native/x.h` `npm/x` `native/NAME`',
    'ARCHITECTURE.md': '`native/vos`\n`packages/native/build` `docs/*.md`',
    'native/vos/vos.h': '// Format: docs/format/tree.md.',
    'native/vos/vos_bench.cc': '',
    'native/bio/media.h': '',
  };
  expect(await findingsIn('doc-paths', texts)).toEqual([
    'ARCHITECTURE.md:2: docs/*.md does not exist',
    'README.md:1: native/x.h does not exist',
    'native/vos/vos.h:1: docs/format/tree.md does not exist',
    'ARCHITECTURE.md: the code map lacks native/bio',
  ]);
});

describe('tools/tidy: dead-files', () => {
  const find = (texts) => findingsIn('dead-files', texts);

  test('a header that only its own .cc and test include is dead, an entry is not', async () => {
    const texts = {
      'native/vos/a.h': '',
      'native/vos/a.cc': '#include "vos/a.h"',
      'native/vos/a_test.cc': '#include "vos/a.h"',
    };
    expect(await find(texts)).toHaveLength(1);
    expect(await find({ ...texts, 'native/vos/b.cc': '#include "vos/a.h"' })).toEqual([]);
    expect(await find({ ...texts, 'native/vos/README.md': 'Entry point: `a.h`.' })).toEqual([]);
  });

  test('a module that nothing but its test imports is dead, entries are alive', async () => {
    const found = await find({
      'packages/a/package.json': '{"exports":{".":"./dist/index.js"},"bin":{"a":"dist/main.js"}}',
      'packages/a/src/index.ts': "export * from './used.js';",
      'packages/a/src/main.ts': "new Worker(new URL('./worker.js', import.meta.url));",
      'packages/a/src/used.ts': '',
      'packages/a/src/worker.ts': '',
      'packages/a/src/dead.ts': '',
      'packages/a/src/dead.test.ts': "import './dead.js';",
      'tools/a.d/main.mjs': "import './b.mjs';",
      'tools/a.d/b.mjs': '',
      'tools/a.d/c.mjs': '',
      'tools/a': 'exec node a.d/main.mjs',
    });
    expect(found.map((each) => each.split(':')[0])).toEqual([
      'packages/a/src/dead.ts',
      'tools/a.d/c.mjs',
    ]);
  });
});
