// How properties of pools and containers are printed.

import { DaosError } from '@daos/model';
import type { Output } from '../cli.js';
import { formatTable, type Cell } from '../table.js';

/** Of all, or of those that `names` lists with commas between them. DER_NONEXIST. */
export function propertiesOutput(
  properties: Readonly<Record<string, string | number | boolean>>,
  names?: string,
): Output {
  const wanted = names?.split(',').map((name) => name.trim()) ?? Object.keys(properties);
  const rows = wanted.map((name): [string, Cell] => {
    const value = properties[name];
    if (value !== undefined) return [name, typeof value === 'boolean' ? String(value) : value];
    const known = Object.keys(properties).join(', ');
    throw new DaosError('DER_NONEXIST', `there is no property '${name}': there are ${known}`);
  });
  return {
    response: Object.fromEntries(rows),
    human: formatTable(['Property', 'Value'], rows),
  };
}
