// What a runner reports: how many checks passed, and the names of the failed and the skipped.

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
