// Finds the word that was probably meant.

/** The candidate with the fewest edits to `word`, if a third of its letters or fewer differ. */
export function nearestOf(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Of a key that is none of those `known`: what was probably meant, or which there are. */
export function unknownKeyText(key: string, known: readonly string[]): string {
  const near = nearestOf(key, known);
  if (near !== undefined) return `unknown key '${key}': did you mean '${near}'?`;
  return `unknown key '${key}'${known.length > 0 ? `: known keys are ${known.join(', ')}` : ''}`;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
 */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]![j] = Math.min(
        cell(i - 1, j) + 1,
        cell(i, j - 1) + 1,
        cell(i - 1, j - 1) + (isSame ? 0 : 1),
        isSwap ? cell(i - 2, j - 2) + 1 : Infinity,
      );
    }
  }
  return cell(a.length, b.length);
}
