export const about =
  'every module of native/ and every package has a README.md that says what it is';

import { NATIVE_FOLDERS_WITHOUT_CODE } from '../layers.mjs';

const WORDS_MIN = 15;

export function check(tree) {
  const modules = tree
    .folders('native')
    .filter((folder) => !NATIVE_FOLDERS_WITHOUT_CODE.includes(folder))
    .map((folder) => `native/${folder}`);
  const packages = tree.folders('packages').map((folder) => `packages/${folder}`);
  return [...modules, ...packages].flatMap((home) => {
    const file = `${home}/README.md`;
    if (!tree.has(file)) return [{ file, text: 'does not exist' }];
    const wordCount = tree.text(file).split(/\s+/).length;
    return wordCount < WORDS_MIN ? [{ file, text: 'says nothing' }] : [];
  });
}
