// What a benchmark's name stands for: its programs and how they want to be run.
//
// The programs of NAME are native/**/NAME_bench.cc and native/**/NAME_<part>_bench.cc, and, for
// those that need Node, packages/*/bench/NAME-bench.mjs. All of them take --json, --only PREFIX and
// --seconds S and print what native/bench/report.h prints.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Without it, a pool on tmpfs is flushed with msync, which does nothing there but cost time. */
const poolsOnTmpfs = { PMEM_IS_PMEM_FORCE: '1' };

/**
 * What differs from a plain run, by name:
 * - environment: variables to set;
 * - isPinned: run on one core, because the program has one thread and measures single operations.
 */
export const SETTINGS = {
  node: { environment: poolsOnTmpfs },
  object: { environment: poolsOnTmpfs },
  vos: { environment: poolsOnTmpfs, isPinned: true },
};

/** Paths of all files under `directory` that match, relative to `root`. */
function find(root, directory, pattern) {
  const ignored = new Set(['node_modules', 'dist', 'build']);
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return ignored.has(entry.name) ? [] : find(root, path, pattern);
    return pattern.test(path) ? [path] : [];
  });
}

/** Every program, as { name, source, isNative }: `name` is the first word of its file's name. */
export function programsOf(root) {
  const native = find(root, 'native', /_bench\.cc$/).map((source) => ({
    name: basename(source).split('_')[0],
    source,
    isNative: true,
  }));
  const scripts = find(root, 'packages', /^packages\/[^/]+\/bench\/[^/]+-bench\.mjs$/).map(
    (source) => ({ name: basename(source).split('-')[0], source, isNative: false }),
  );
  return [...native, ...scripts];
}

/** The target that CMake builds from a *_bench.cc, and the path of its program in the build. */
export function nativeTargetOf(source) {
  const module = source.split('/')[1];
  const target = basename(source, '.cc');
  return { target, program: `${module}/${target}` };
}
