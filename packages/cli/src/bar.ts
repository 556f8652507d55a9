// How much is done, drawn in characters.

const WIDTH = 30;

/** @param share from 0 to 1 */
export function barOf(share: number): string {
  const inRange = Math.max(0, Math.min(1, share));
  const filled = Math.round(inRange * WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
  return `[${bar}] ${String(Math.floor(inRange * 100)).padStart(3)} %`;
}
