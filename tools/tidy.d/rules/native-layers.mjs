export const about =
  'a module of native/ includes only modules below it, and foreign headers only where they belong';

import { FOREIGN_HEADERS, NATIVE_FOLDERS_WITHOUT_CODE, NATIVE_LAYERS } from '../layers.mjs';

/** Modules that may see everything but each other. */
const TOPS = Object.keys(NATIVE_LAYERS).filter((module) => NATIVE_LAYERS[module] === '*');

/** A benchmark, or the bare loop that it compares with. */
const BENCHMARK = /(_bench\.(h|cc)|\/raw_\w+\.h)$/;

export function check(tree) {
  const findings = [];
  for (const module of tree.folders('native')) {
    if (module in NATIVE_LAYERS || NATIVE_FOLDERS_WITHOUT_CODE.includes(module)) continue;
    findings.push({
      file: `native/${module}`,
      text: 'not in the order of tools/tidy.d/layers.mjs',
    });
  }
  for (const file of tree.matching(/^native\/.*\.(h|cc)$/, { generated: true })) {
    const module = file.split('/')[1];
    tree.lines(file).forEach((text, index) => {
      const [, open, header] = /^\s*#\s*include\s+(["<])([^">]+)[">]/.exec(text) ?? [];
      if (header === undefined) return;
      const problem =
        open === '"' ? problemOf(module, header, file) : foreignProblemOf(module, header);
      if (problem !== undefined) findings.push({ file, line: index + 1, text: problem });
    });
  }
  return findings;
}

function problemOf(module, header, file) {
  const seen = header.split('/')[0];
  if (!header.includes('/')) return `include "${header}" by its path from native/`;
  if (seen === module) return undefined;
  if (seen === 'bench') {
    return BENCHMARK.test(file) ? undefined : 'only *_bench.{h,cc} and raw_*.h include bench/';
  }
  if (seen === 'testing') {
    return /_(test\.cc|fixture\.h)$/.test(file)
      ? undefined
      : 'only *_test.cc and *_fixture.h include testing/';
  }
  const allowed = NATIVE_LAYERS[module];
  if (allowed === undefined) return undefined;
  if (allowed === '*' ? !TOPS.includes(seen) : allowed.includes(seen)) {
    return undefined;
  }
  return `${module} must not see ${seen}`;
}

function foreignProblemOf(module, header) {
  const owner = FOREIGN_HEADERS.find(({ pattern }) => pattern.test(header));
  if (owner === undefined || owner.modules.includes(module)) return undefined;
  return `<${header}> belongs to ${owner.modules.join(' and ')}; ${module} must not see it`;
}
