export const about = 'a line of code has at most 100 columns';

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
