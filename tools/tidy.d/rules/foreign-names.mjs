export const about = 'no file names a package registry or a path of one machine';

const PATTERNS = [
  [
    /\b(registry|deb|archive|security|ports|proxy|files|repo\d?)\.[a-z-]+\.(org|com|io|net)\b/,
    'a package registry',
  ],
  [/\bpypi\b|\bnpmjs\b/i, 'a package registry'],
  [/(^|[\s'"`(=])\/(work|root)\//, 'a path of one machine'],
];

/** This rule and its test. */
const isOwn = (file) => file.startsWith('tools/tidy.d/rules/foreign-names.');

export function check(tree) {
  return tree
    .matching(/./, { generated: true })
    .filter((file) => !isOwn(file) && !/\.(bin|png|hex|gz)$/.test(file))
    .flatMap((file) =>
      tree.lines(file).flatMap((text, index) => {
        const found = PATTERNS.find(([pattern]) => pattern.test(text));
        return found === undefined ? [] : [{ file, line: index + 1, text: `names ${found[1]}` }];
      }),
    );
}
