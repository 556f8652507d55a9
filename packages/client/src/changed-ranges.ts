// Which records of an array are not the same writes in two states of it.
import type { Epoch } from '@daos/model';

/** Records [index, index + count) of an array. */
export interface RecordRange {
  index: bigint;
  count: bigint;
}

interface WrittenRange extends RecordRange {
  epoch: Epoch;
}

/**
 * Both states are in order of index, and nothing in one of them overlaps. Every write has an epoch
 * of its own: the same records of the same epoch are the same data.
 */
export function changedRanges(
  before: readonly WrittenRange[],
  after: readonly WrittenRange[],
): RecordRange[] {
  const changed: RecordRange[] = [];
  const [old, now] = [epochsOf(before), epochsOf(after)];
  const bounds = boundsOf([...before, ...after]);
  bounds.slice(0, -1).forEach((index, i) => {
    if (old(index) === now(index)) return;
    const count = (bounds[i + 1] as bigint) - index;
    const last = changed.at(-1);
    if (last && last.index + last.count === index) last.count += count;
    else changed.push({ index, count });
  });
  return changed;
}

/** Where something begins or ends, each once, in order. */
function boundsOf(ranges: readonly RecordRange[]): bigint[] {
  const bounds = ranges.flatMap(({ index, count }) => [index, index + count]);
  return [...new Set(bounds)].sort((a, b) => (a < b ? -1 : 1));
}

/** When the record at an index was written, for indices that only rise; undefined for a hole. */
function epochsOf(ranges: readonly WrittenRange[]): (index: bigint) => Epoch | undefined {
  let at = 0;
  return (index) => {
    for (let range = ranges[at]; range && range.index + range.count <= index; range = ranges[at]) {
      at += 1;
    }
    const range = ranges[at];
    return range && range.index <= index ? range.epoch : undefined;
  };
}
