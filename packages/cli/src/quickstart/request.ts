// What the quick start is asked for, by its parameters.

import { existsSync, opendirSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DaosError } from '@daos/model';

export const USAGE = `\
Usage: tools/quickstart [DIR]     stores DIR, by default /usr/include, and reads it back
       tools/quickstart --stop    stops what it started, and removes it

  --port N      port of the control service, 0 for a free one (default 10001)
  --home PATH   where everything of it lies (default ~/.cache/daos/quickstart)
  --help        prints this`;

const DIRECTORY_DEFAULT = '/usr/include';
export const HOME_DEFAULT = join(homedir(), '.cache/daos/quickstart');
const PORT_DEFAULT = '10001';
const PORT_MAX = 65_535;

/** Parameters that make no request. */
export class UsageError extends Error {}

export interface RunRequest {
  readonly action: 'run';
  readonly home: string;
  readonly directory: string;
  readonly port: number;
}

export type Request =
  { readonly action: 'help' } | { readonly action: 'stop'; readonly home: string } | RunRequest;

/** Throws UsageError, or DaosError for a directory that cannot be stored. */
export function parseRequest(parameters: readonly string[]): Request {
  const { values, positionals } = parse(parameters);
  if (values.help) return { action: 'help' };
  if (values.home === '') throw new UsageError('--home: give a directory');
  const home = resolve(values.home);
  if (values.stop) {
    if (positionals.length > 0) throw new UsageError('--stop takes no directory');
    return { action: 'stop', home };
  }
  const port = parsePort(values.port);
  const directory = chooseDirectory(positionals, values.checkout);
  checkApart(directory, home);
  return { action: 'run', home, directory, port };
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      allowPositionals: true,
      args: [...parameters],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        stop: { type: 'boolean', default: false },
        port: { type: 'string', default: PORT_DEFAULT },
        home: { type: 'string', default: HOME_DEFAULT },
        checkout: { type: 'string', default: process.cwd() },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port > PORT_MAX) {
    throw new UsageError(`--port: '${text}' is no port: give a number from 0 to ${PORT_MAX}`);
  }
  return port;
}

function chooseDirectory([given, ...rest]: readonly string[], checkout: string): string {
  if (rest.length > 0) throw new UsageError('give one directory');
  if (given === undefined) return existsSync(DIRECTORY_DEFAULT) ? DIRECTORY_DEFAULT : checkout;
  const directory = resolve(given);
  if (!existsSync(directory)) throw new DaosError('DER_NONEXIST', `there is no ${directory}`);
  if (!statSync(directory).isDirectory()) {
    throw new DaosError('DER_INVAL', `${directory} is not a directory`);
  }
  try {
    opendirSync(directory).closeSync();
  } catch (error) {
    const message = `cannot read ${directory}: ${(error as Error).message}`;
    const action = 'give a directory that this user may read';
    throw new DaosError('DER_NO_PERM', message, { action, cause: error });
  }
  return directory;
}

/** A store that lies in what it stores would change while it is read. */
function checkApart(directory: string, home: string): void {
  const within = (inner: string, outer: string) => !/^\.\.(\/|$)/.test(relative(outer, inner));
  const real = realpathSync(directory);
  if (within(home, real) || within(real, home)) {
    throw new UsageError(
      `${directory} and ${home}, where the quick start keeps its data, hold one another: ` +
        'give another place with --home',
    );
  }
}
