export const about =
  'tsconfig.json lists every package, and a package references those it depends on';

import { packagesOf } from '../packages.mjs';

const referencesOf = (tree, path) =>
  (JSON.parse(tree.text(path)).references ?? []).map((reference) => reference.path);

export function check(tree) {
  if (!tree.has('tsconfig.json')) return [{ file: 'tsconfig.json', text: 'does not exist' }];
  const compiled = packagesOf(tree).filter(({ folder }) => tree.has(configOf(folder)));
  const findings = [];
  const listed = referencesOf(tree, 'tsconfig.json');
  for (const { folder, manifest } of compiled) {
    if (!listed.includes(`packages/${folder}`)) {
      findings.push({ file: 'tsconfig.json', text: `does not reference packages/${folder}` });
    }
    const referenced = referencesOf(tree, configOf(folder));
    for (const other of compiled) {
      const isDependency = other.manifest.name in { ...manifest.dependencies };
      if (!isDependency || referenced.includes(`../${other.folder}`)) continue;
      const text = `depends on ${other.manifest.name} without a reference to ../${other.folder}`;
      findings.push({ file: configOf(folder), text });
    }
  }
  return findings;
}

const configOf = (folder) => `packages/${folder}/tsconfig.json`;
