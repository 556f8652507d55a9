export const about = 'a package imports only packages below it, and declares what it imports';

import { isTest } from '../tree.mjs';
import { PACKAGE_LAYERS } from '../layers.mjs';
import { importsOf, packagesOf } from '../packages.mjs';

/** The prebuilt addons are packages without code: one platform each. */
const isPrebuild = (folder) => /^native-[a-z0-9-]+$/.test(folder);

export function check(tree) {
  return packagesOf(tree).flatMap(({ folder, manifest }) => {
    if (isPrebuild(folder)) return [];
    const home = `packages/${folder}`;
    if (!(folder in PACKAGE_LAYERS)) {
      return [{ file: home, text: 'not in the order of tools/tidy.d/layers.mjs' }];
    }
    const pattern = new RegExp(`^${home}/.*\\.(ts|mjs|cjs)$`);
    return tree.matching(pattern).flatMap((file) =>
      importsOf(tree.lines(file)).flatMap(({ specifier, line }) => {
        const text = problemOf(folder, manifest, specifier, file);
        return text === undefined ? [] : [{ file, line, text }];
      }),
    );
  });
}

/** The package of a specifier: the part that package.json names. */
function packageOf(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

function problemOf(folder, manifest, specifier, file) {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const name = packageOf(specifier);
  const own = name.startsWith('@daos/') ? name.slice('@daos/'.length) : undefined;
  if (own === folder) return undefined;
  const mayImport = own === undefined || PACKAGE_LAYERS[folder].includes(own) || isTest(file);
  if (!mayImport) return `@daos/${folder} must not import ${name}`;
  const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest;
  if (name in { ...dependencies, ...peerDependencies, ...optionalDependencies }) return undefined;
  // Tests and their fixtures, which aren't packed, may use what the workspace's root or the package
  // itself has for development.
  const isUnpacked = isTest(file) || file.endsWith('-fixture.ts');
  return isUnpacked ? undefined : `${name} is not among the dependencies of @daos/${folder}`;
}
