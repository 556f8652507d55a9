export const about = 'a file opens with what it holds: its contract';

import { isTest } from '../tree.mjs';

/** The contract of name.cc stands in name.h. */
const hasHeaderBeside = (tree, file) => file.endsWith('.cc') && tree.has(file.replace(/cc$/, 'h'));

/** A rule of tidy says what it is in `about`. */
const isRule = (file) => file.startsWith('tools/tidy.d/rules/');

export function check(tree) {
  return tree
    .matching(/^(native|packages|tools)\/.*\.(h|cc|ts|mjs)$/)
    .filter((file) => !isTest(file) && !isRule(file) && !hasHeaderBeside(tree, file))
    .filter((file) => !/^(#!.*\n)?\s*\/[/*]/.test(tree.text(file)))
    .map((file) => ({ file, line: 1, text: 'opens without a comment that says what it holds' }));
}
