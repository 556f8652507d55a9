export const about = 'a line of code has at most 100 columns';

import { foldCode, foldComments } from '../fold.mjs';

const COLUMNS_MAX = 100;

export function check(tree) {
  const findings = [];
  for (const file of tree.matching(/\.(h|cc|c|ts|mjs|cmake)$|CMakeLists\.txt$|^tools\/[\w-]+$/)) {
    tree.lines(file).forEach((text, index) => {
      const columnCount = [...text].length;
      if (columnCount <= COLUMNS_MAX) return;
      findings.push({
        file,
        line: index + 1,
        text: `${columnCount} columns; at most ${COLUMNS_MAX}`,
      });
    });
  }
  return findings;
}

/** New texts of files, by path: long lines folded where that can be done without thinking. */
export function fix(tree) {
  const files = new Set(check(tree).map(({ file }) => file));
  const fixed = {};
  for (const file of [...files].filter((each) => /\.(h|cc|ts|mjs)$/.test(each))) {
    const folded = foldComments(tree.text(file));
    fixed[file] = /\.(h|cc)$/.test(file) ? foldCode(folded) : folded;
  }
  return fixed;
}
