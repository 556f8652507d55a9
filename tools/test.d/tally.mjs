// What a runner reports: how many checks passed, the names of the failed with what they said, and
// those of the skipped.
import { stripVTControlCharacters } from 'node:util';

/** @typedef {{ passedCount: number, failed: string[], skipped: string[] }} Tally */

/** @returns {Tally} */
export const emptyTally = () => ({ passedCount: 0, failed: [], skipped: [] });

/** @returns {Tally} the sum */
export function sum(tallies) {
  const total = emptyTally();
  for (const { passedCount, failed, skipped } of tallies) {
    total.passedCount += passedCount;
    total.failed.push(...failed);
    total.skipped.push(...skipped);
  }
  return total;
}

/** "3 passed, 1 failed, 0 skipped" */
export function describe({ passedCount, failed, skipped }) {
  return `${passedCount} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/** One check that passed or, with `reason`, failed. @returns {Tally} */
export function single(name, ok, reason = '') {
  if (ok) return { passedCount: 1, failed: [], skipped: [] };
  return { passedCount: 0, failed: [reason === '' ? name : `${name} (${reason})`], skipped: [] };
}

const SAID_LINES = 15;

/**
 * `name`, and below it what a failed check said, indented: the first lines of `text` without
 * colours and empty lines, or with `{ last: true }` the last ones.
 */
export function withReason(name, text, { last = false } = {}) {
  const lines = stripVTControlCharacters(text ?? '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const said = last ? lines.slice(-SAID_LINES) : lines.slice(0, SAID_LINES);
  return [name, ...said].join('\n      ');
}
