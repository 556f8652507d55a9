// Values of options, from text.

import { formatSize, parseSize } from '@daos/control/client';
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
  for (const name of COUNTS) {
    const count = properties[name];
    if (count !== undefined) parsed[name] = parseCount(name, count);
  }
  return parsed;
}

const SIZES = ['chunk_size', 'cksum_size', 'quota_bytes'] as const;
const COUNTS = ['quota_objects', 'max_snapshot', 'rd_fac'] as const;

/** Properties of a container as people read them. */
export function withUnits(
  properties: Readonly<Record<string, string | number | boolean>>,
): Record<string, string | number | boolean> {
  const shown = { ...properties };
  for (const name of SIZES) {
    const bytes = properties[name];
    if (typeof bytes === 'number') shown[name] = formatSize(bytes);
  }
  for (const name of LIMITS) if (properties[name] === 0) shown[name] = 'none';
  return shown;
}

/** Where 0 means that there is no limit. */
const LIMITS = ['quota_bytes', 'quota_objects', 'max_snapshot'] as const;

function parseCount(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DaosError('DER_INVAL', `${name}: '${text}' is not a number`);
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
