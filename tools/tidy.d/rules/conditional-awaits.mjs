export const about = 'no co_await stands in a branch of ?:, because gcc 12 awaits both branches';

import { blankLiterals } from '../functions.mjs';

/** A statement, up to a co_await that comes after the ? of a conditional expression. */
const AWAIT_IN_BRANCH = /\?[^;{}]*?\bco_await\b/g;

export function check(tree) {
  return tree.matching(/^native\/.*\.(h|cc)$/).flatMap((file) => {
    const code = blankLiterals(tree.text(file), true);
    return [...code.matchAll(AWAIT_IN_BRANCH)].map((match) => ({
      file,
      line: code.slice(0, match.index).split('\n').length,
      text: 'co_await after ? of a conditional expression; write it with if and else',
    }));
  });
}
