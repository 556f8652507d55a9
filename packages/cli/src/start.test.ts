// Goal:   a command line starts quickly: it loads nothing that it can do without.
// Method: what the built programs import, directly and by what they import, is compared. What is
//         imported when it is needed, as the client of objects, doesn't count.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const DIST = join(import.meta.dirname, '../dist');
const IMPORT = /^(?:import |(?:import|export) [^'"();=]* from )['"]([^'"]+)['"]/gm;

/** The files of ours that `file` imports, and the packages of others. */
function importsOf(file: string, seen: Map<string, readonly string[]>): void {
  if (seen.has(file)) return;
  const names = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name = '']) => name);
  const isOurs = (name: string) => name.startsWith('.') || name.startsWith('@daos/');
  seen.set(
    file,
    names.filter((name) => !isOurs(name) && !name.startsWith('node:')),
  );
  const { resolve } = createRequire(file);
  for (const name of names.filter(isOurs)) importsOf(resolve(name), seen);
}

describe('cli/start', () => {
  test.each(['dmg', 'daos'])('%s loads no package of others but commander', (program) => {
    const seen = new Map<string, readonly string[]>();
    importsOf(join(DIST, `${program}-main.js`), seen);
    expect(new Set([...seen.values()].flat())).toEqual(new Set(['commander']));
    const ours = [...seen.keys()];
    expect(ours.some((file) => file.endsWith('control-client.js'))).toBe(true);
    expect(ours.length).toBeGreaterThan(20);
  });
});
