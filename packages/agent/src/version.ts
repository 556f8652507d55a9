// The version of the server, as its package states it.

import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
export const AGENT_VERSION = (JSON.parse(text) as { version: string }).version;
