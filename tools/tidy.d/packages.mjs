// The workspace's packages as rules see them.

/** Every package, as { folder, manifest } with its parsed package.json. */
export function packagesOf(tree) {
  return tree
    .folders('packages')
    .filter((folder) => tree.has(`packages/${folder}/package.json`))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(tree.text(`packages/${folder}/package.json`)),
    }));
}

/** What a TypeScript or JavaScript text imports, as { specifier, line }. */
export function importsOf(lines) {
  const pattern = /(?:\bfrom|\bimport\(?|\brequire\()\s*['"]([^'"]+)['"]/g;
  return lines.flatMap((text, index) =>
    [...text.matchAll(pattern)].map((match) => ({ specifier: match[1], line: index + 1 })),
  );
}
