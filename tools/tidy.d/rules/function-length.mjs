export const about = 'a function has at most 70 lines (over 40 it gets advice)';

import { functionsOf } from '../functions.mjs';

const LINES_MAX = 70;
const LINES_ADVISED = 40;

const longerThan = (tree, lineCountMin) =>
  tree.matching(/\.(h|cc|ts|mjs)$/).flatMap((file) =>
    functionsOf(tree.text(file), /\.(h|cc)$/.test(file))
      .filter(({ lineCount }) => lineCount > lineCountMin)
      .map(({ name, line, lineCount }) => ({ file, line, name, lineCount })),
  );

export function check(tree) {
  return longerThan(tree, LINES_MAX).map(({ file, line, name, lineCount }) => ({
    file,
    line,
    text: `${name} has ${lineCount} lines; at most ${LINES_MAX}`,
  }));
}

export function advise(tree) {
  return longerThan(tree, LINES_ADVISED)
    .filter(({ lineCount }) => lineCount <= LINES_MAX)
    .map(({ file, line, name, lineCount }) => ({
      file,
      line,
      text: `${name} has ${lineCount} lines; better under ${LINES_ADVISED}`,
    }));
}
