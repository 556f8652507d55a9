// The version of what the control service answers, as the package states it.

import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
export const CONTROL_VERSION = (JSON.parse(text) as { version: string }).version;

/** Of every answer: who reads it knows whether it is as its own schemas say. */
export const VERSION_HEADER = 'daos-version';
