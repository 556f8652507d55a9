export const about = 'a file has at most 1,000 lines (over 500 it gets advice)';

import { isGenerated } from '../tree.mjs';

const LINES_MAX = 1000;
const LINES_ADVISED = 500;

const sizesOf = (tree) =>
  tree
    .matching(/\.(h|cc|c|ts|mjs|cmake|sh|md)$|^tools\/[\w-]+$/)
    .filter((file) => !isGenerated(file) && file !== 'CHANGELOG.md')
    .map((file) => ({ file, lineCount: tree.lines(file).length - 1 }));

export function check(tree) {
  return sizesOf(tree)
    .filter(({ lineCount }) => lineCount > LINES_MAX)
    .map(({ file, lineCount }) => ({ file, text: `${lineCount} lines; at most ${LINES_MAX}` }));
}

export function advise(tree) {
  return sizesOf(tree)
    .filter(({ lineCount }) => lineCount > LINES_ADVISED && lineCount <= LINES_MAX)
    .map(({ file, lineCount }) => ({
      file,
      text: `${lineCount} lines; better under ${LINES_ADVISED}`,
    }));
}
