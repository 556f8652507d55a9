export const about =
  'every header is included and every module imported by something besides its own tests';

import { posix } from 'node:path';
import { importsOf, packagesOf } from '../packages.mjs';
import { isTest } from '../tree.mjs';

export function check(tree) {
  return [...deadHeaders(tree), ...deadModules(tree), ...deadTools(tree)];
}

function deadHeaders(tree) {
  const includersOf = new Map();
  for (const file of tree.matching(/^native\/.*\.(h|cc)$/, { generated: true })) {
    for (const [, header] of tree.text(file).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) {
      includersOf.set(header, [...(includersOf.get(header) ?? []), `${file}`]);
    }
  }
  return tree
    .matching(/^native\/.*\.h$/, { generated: true })
    .filter((file) => !file.startsWith('native/include/'))
    .filter((file) => {
      if (isEntryPoint(tree, file)) return false;
      const stem = file.replace(/\.h$/, '');
      const own = [`${stem}.cc`, `${stem}_test.cc`];
      const includers = includersOf.get(file.slice('native/'.length)) ?? [];
      return !includers.some((includer) => !own.includes(includer));
    })
    .map((file) => ({ file, text: 'nothing includes it but its own .cc and test' }));
}

/** Headers for users outside of native/ stand in the module's README. */
function isEntryPoint(tree, file) {
  const module = file.split('/').slice(0, 2).join('/');
  const readme = `${module}/README.md`;
  return tree.has(readme) && tree.text(readme).includes(`\`${file.slice(module.length + 1)}\``);
}

/** Sources of what package.json names in `exports` and `bin`: from dist back to src. */
function entriesOf({ folder, manifest }) {
  const named = JSON.stringify([manifest.exports, manifest.bin, manifest.main]) ?? '';
  const paths = [...named.matchAll(/"(?:\.\/)?(?:dist|src)\/([\w/-]+)\.(?:js|ts|d\.ts)"/g)];
  return paths.map(([, path]) => `packages/${folder}/src/${path}.ts`);
}

function deadModules(tree) {
  const used = new Set(packagesOf(tree).flatMap(entriesOf));
  for (const file of tree.matching(/^packages\/.*\.ts$/, { generated: true })) {
    if (isTest(file)) continue;
    for (const { specifier } of importsOf(tree.lines(file))) {
      if (!specifier.startsWith('.')) continue;
      used.add(posix.join(posix.dirname(file), specifier.replace(/\.js$/, '.ts')));
    }
    // A program that is started by its path: new URL('./engine-main.js', import.meta.url).
    for (const [, path] of tree.text(file).matchAll(/new URL\('(\.[^']+)\.js'/g)) {
      used.add(posix.join(posix.dirname(file), `${path}.ts`));
    }
  }
  const isExempt = (file) => isTest(file) || /(\.d\.ts|-fixture\.ts)$/.test(file);
  return tree
    .matching(/^packages\/[^/]+\/src\/.*\.ts$/, { generated: true })
    .filter((file) => !isExempt(file) && !used.has(file))
    .map((file) => ({ file, text: 'nothing imports it but its own tests' }));
}

/** A module of tools/ is imported by another, started by a script, or loaded by its folder. */
function deadTools(tree) {
  const tools = tree.matching(/^tools\//);
  const isLoadedByName = (file) => /^tools\/(tidy\.d\/rules|generate\.d)\//.test(file);
  return tree
    .matching(/^tools\/.*\.mjs$/)
    .filter((file) => !isTest(file) && !isLoadedByName(file))
    .filter((file) => {
      const name = posix.basename(file);
      return !tools.some(
        (other) => other !== file && !isTest(other) && tree.text(other).includes(name),
      );
    })
    .map((file) => ({ file, text: 'nothing uses it' }));
}
