// Values of options, from text.

import { parseSize } from '@daos/control/client';
import { DaosError } from '@daos/model';

/** `0,2,4-6` → 0, 2, 4, 5, 6. */
export function parseRanks(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) throw new DaosError('DER_INVAL', `'${text}' is not a list of ranks, as 0,2,4-6`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last - first > 65_535) {
      throw new DaosError('DER_INVAL', `'${part}' is not a range of ranks`);
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** `10GB` is a size, `50%` a share of what is free. */
export function parseSizeOrPercent(text: string): { size: number } | { freePercent: number } {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text.trim());
  if (!match) return { size: parseSize(text) };
  const freePercent = Number(match[1]);
  if (freePercent > 0 && freePercent <= 100) return { freePercent };
  throw new DaosError('DER_INVAL', `'${text}' is not between 0 % and 100 %`);
}

/** `6%` or `0.06`. */
export function parseRatio(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const ratio = match ? Number(match[1]) / (match[2] ? 100 : 1) : NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new DaosError('DER_INVAL', `'${text}' is not a ratio, as 6% or 0.06`);
}

/** `name:value,name:value`, as DAOS writes properties. */
export function parseProperties(text: string): Record<string, string> {
  const entries = text.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 1) throw new DaosError('DER_INVAL', `'${part}' is not name:value`);
    return [part.slice(0, colon).trim(), part.slice(colon + 1).trim()] as const;
  });
  return Object.fromEntries(entries);
}

/** Properties of a container as the service takes them: sizes may have units. */
export function withSizes(properties: Record<string, string>): Record<string, string | number> {
  const parsed: Record<string, string | number> = { ...properties };
  for (const name of SIZES) {
    const size = properties[name];
    if (size !== undefined) parsed[name] = parseSize(size);
  }
  const { quota_objects: count } = properties;
  if (count !== undefined) parsed['quota_objects'] = parseCount(count);
  return parsed;
}

const SIZES = ['cksum_size', 'quota_bytes'] as const;

function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DaosError('DER_INVAL', `'${text}' is not a number of objects`);
}

/** Properties of a pool as the service takes them: `space_rb` may be `5` or `5%`. */
export function poolPropertiesOf(
  properties: Record<string, string>,
): Record<string, string | number> {
  const { space_rb: spare, ...others } = properties;
  return spare === undefined ? others : { ...others, space_rb: parsePercent(spare) };
}

/** `5` or `5%`. */
export function parsePercent(text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,6})?) ?%?$/.exec(text.trim());
  if (match) return Number(match[1]);
  throw new DaosError('DER_INVAL', `'${text}' is not a share in percent, as 5 or 5%`);
}
