// The version of the command lines, as their package states it.

import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
export const CLI_VERSION = (JSON.parse(text) as { version: string }).version;
