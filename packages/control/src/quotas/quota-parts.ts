// Divides what a quota leaves among the targets of a container. Pure: from what each uses and wants
// to what each may use.

import type { QuotaAmounts } from '../engines/engine-control.js';

/** What one target has of one kind: bytes, or objects. */
export interface TargetNeed {
  readonly used: number;
  readonly wanted: number;
}

export interface Division {
  readonly parts: readonly number[];
  /** Somebody wants what is not there. */
  readonly isUsedUp: boolean;
}

/**
 * Each target may keep what it uses. Of the rest those that wait get what they want, in order, as
 * long as there is some; what is left then goes one half to them, one half to all.
 */
export function divide(left: number, needs: readonly TargetNeed[]): Division {
  let rest = Math.max(0, left - needs.reduce((sum, { used }) => sum + used, 0));
  let isUsedUp = false;
  const parts = needs.map(({ used, wanted }) => {
    const given = Math.min(wanted, rest);
    isUsedUp ||= given < wanted;
    rest -= given;
    return used + given;
  });
  const wanting = needs.filter(({ wanted }) => wanted > 0).length;
  const forWanting = wanting > 0 ? Math.floor(rest / 2 / wanting) : 0;
  const forAll = Math.floor((rest - forWanting * wanting) / needs.length);
  let odd = rest - forWanting * wanting - forAll * needs.length;
  return {
    isUsedUp,
    parts: parts.map((part, index) => {
      const more = (needs[index]?.wanted ?? 0) > 0 ? forWanting : 0;
      return part + more + forAll + (odd-- > 0 ? 1 : 0);
    }),
  };
}

/** The same for all: of a container that holds nothing yet. */
export function equalParts(whole: QuotaAmounts, targetCount: number): QuotaAmounts[] {
  const none = Array.from({ length: targetCount }, () => ({ used: 0, wanted: 0 }));
  const bytes = whole.bytes === undefined ? undefined : divide(whole.bytes, none).parts;
  const objects = whole.objects === undefined ? undefined : divide(whole.objects, none).parts;
  return none.map((_, index) => ({
    ...(bytes && { bytes: bytes[index] }),
    ...(objects && { objects: objects[index] }),
  }));
}
