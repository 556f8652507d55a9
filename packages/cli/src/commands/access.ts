// `get-acl`, `overwrite-acl`, `update-acl`, `delete-acl` and `set-owner` of pools and containers.

import { readFileSync, writeFileSync } from 'node:fs';
import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';

interface Ownership {
  readonly owner: string;
  readonly ownerGroup: string;
  readonly acl: readonly string[];
}

interface Changes {
  replace?: string[];
  update?: string[];
  delete?: string[];
  owner?: string;
  ownerGroup?: string;
}

/** Where the list is: of a pool, or of a container. */
interface Place {
  readonly names: readonly string[];
  /** What DAOS's options are called here. */
  readonly fileOption: string;
  readonly principalOption: string;
  read(context: CommandContext, names: readonly string[]): Promise<Ownership>;
  change(context: CommandContext, names: readonly string[], body: Changes): Promise<Ownership>;
}

const ofPool: Place = {
  names: ['pool'],
  fileOption: '-a, --acl-file <file>',
  principalOption: '-p, --principal <principal>',
  read: ({ control }, [pool = '']) => control.call('getPoolAcl', { params: { pool } }),
  change: ({ control }, [pool = ''], body) =>
    control.call('changePoolAcl', { params: { pool }, body }),
};

const ofContainer: Place = {
  names: ['pool', 'container'],
  fileOption: '-f, --acl-file <file>',
  principalOption: '-P, --principal <principal>',
  read: ({ control }, [pool = '', container = '']) =>
    control.call('getContainerAcl', { params: { pool, container } }),
  change: ({ control }, [pool = '', container = ''], body) =>
    control.call('changeContainerAcl', { params: { pool, container }, body }),
};

interface AccessOptions {
  outfile?: string;
  force?: boolean;
  verbose?: boolean;
  aclFile?: string;
  entry?: string;
  principal?: string;
  user?: string;
  group?: string;
}

export function addPoolAccess(cli: Cli, pool: Command): void {
  addAccess(cli, pool, ofPool);
}

export function addContainerAccess(cli: Cli, container: Command): void {
  addAccess(cli, container, ofContainer);
}

/** For administrators, who have no other say over a container's list. */
export function addContainerOwner(cli: Cli, container: Command): void {
  addSetOwner(placedCommands(cli, container, ofContainer));
}

/** Commands whose first parameters are the names of a place. */
interface PlacedCommands {
  command(name: string, description: string): Command;
  reading(then: (found: Ownership, options: AccessOptions) => Output): Action;
  changing(changesOf: (options: AccessOptions) => Changes): Action;
}
type Action = (...parameters: unknown[]) => Promise<void>;

function placedCommands(cli: Cli, parent: Command, place: Place): PlacedCommands {
  const names = place.names.map((name) => `<${name}>`).join(' ');
  const split = (parameters: unknown[]) => parameters.slice(0, place.names.length) as string[];
  const optionsOf = (parameters: unknown[]) => parameters[place.names.length] as AccessOptions;
  return {
    command: (name, description) => parent.command(`${name} ${names}`).description(description),
    reading: (then) =>
      cli.action(async (context, ...parameters: unknown[]) =>
        then(await place.read(context, split(parameters)), optionsOf(parameters)),
      ),
    changing: (changesOf) =>
      cli.action(async (context, ...parameters: unknown[]) => {
        const changes = changesOf(optionsOf(parameters));
        return shown(await place.change(context, split(parameters), changes));
      }),
  };
}

function addAccess(cli: Cli, parent: Command, place: Place): void {
  const { fileOption, principalOption } = place;
  const commands = placedCommands(cli, parent, place);
  const { command, reading, changing } = commands;
  command('get-acl', 'shows who may do what')
    .option('-O, --outfile <file>', 'goes there, in the form that overwrite-acl takes')
    .option('-f, --force', 'over a file that is there')
    .option('-V, --verbose', 'says above each entry what it means')
    .action(reading(written));
  command('overwrite-acl', 'replaces the whole list')
    .alias('replace')
    .requiredOption(fileOption, 'one entry a line; lines that begin with # are notes')
    .action(changing(({ aclFile = '' }) => ({ replace: readAcl(aclFile) })));
  command('update-acl', 'adds entries, or replaces those of the same principals')
    .option(fileOption, 'one entry a line')
    .option('-e, --entry <entry>', 'one entry, as A:G:staff@:rw')
    .action(changing((options) => ({ update: entriesOf(options) })));
  command('delete-acl', 'removes the entry of a principal')
    .requiredOption(principalOption, 'u:alice@, g:staff@, OWNER@, GROUP@, EVERYONE@')
    .action(changing(({ principal = '' }) => ({ delete: [principal] })));
  addSetOwner(commands);
}

function addSetOwner({ command, changing }: PlacedCommands): void {
  command('set-owner', 'gives it to another user or group')
    .alias('chown')
    .option('-u, --user <user>', 'as alice@')
    .option('-g, --group <group>', 'as staff@')
    .action(changing(ownerOf));
}

/** To a file, where one is named. */
function written(found: Ownership, { outfile, force, verbose }: AccessOptions): Output {
  const output = shown(found, verbose);
  if (outfile === undefined) return output;
  try {
    writeFileSync(outfile, output.human, { flag: force === true ? 'w' : 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = isThere ? 'it is there already: say --force' : (error as Error).message;
    throw new DaosError(isThere ? 'DER_EXIST' : 'DER_IO', `cannot write ${outfile}: ${reason}`);
  }
  return { ...output, human: '' };
}

/** `--user` and `--group` as a request has them. */
export function ownerOf({ user, group }: { user?: string; group?: string }): Changes {
  return {
    ...(user !== undefined && { owner: principalOf(user) }),
    ...(group !== undefined && { ownerGroup: principalOf(group) }),
  };
}

const principalOf = (name: string) => (name.includes('@') ? name : `${name}@`);

/** The entries of a file, without notes and empty lines. */
export function readAcl(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DaosError('DER_INVAL', `cannot read the list: ${(error as Error).message}`);
  }
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function entriesOf({ aclFile, entry }: AccessOptions): string[] {
  const entries = [
    ...(aclFile === undefined ? [] : readAcl(aclFile)),
    ...(entry === undefined ? [] : [entry]),
  ];
  if (entries.length > 0) return entries;
  throw new DaosError('DER_INVAL', 'give --entry or --acl-file');
}

function shown({ owner, ownerGroup, acl }: Ownership, isVerbose = false): Output {
  const entries = isVerbose ? acl.flatMap((entry) => [`# ${meaningOf(entry)}`, entry]) : acl;
  const lines = [`# Owner: ${owner}`, `# Owner group: ${ownerGroup}`, ...entries];
  return {
    response: { owner, ownerGroup, acl },
    human: `${lines.join('\n')}\n`,
  };
}

const RIGHT_NAMES: Readonly<Record<string, string>> = {
  r: 'read',
  w: 'write',
  c: 'create containers',
  d: 'delete',
  t: 'see properties',
  T: 'set properties',
  a: 'see the list',
  A: 'change the list',
  o: 'set the owner',
};

/** `A:G:staff@:rw` → `the group staff@ may: read, write`. */
function meaningOf(entry: string): string {
  const [, flags = '', principal = '', rights = ''] = entry.split(':');
  const special: Readonly<Record<string, string>> = {
    'OWNER@': 'the owner',
    'GROUP@': 'the owner group',
    'EVERYONE@': 'everyone else',
  };
  const who = special[principal] ?? `the ${flags.includes('G') ? 'group' : 'user'} ${principal}`;
  const may = [...rights].map((right) => RIGHT_NAMES[right] ?? right).join(', ');
  return `${who} may: ${may || 'nothing'}`;
}
