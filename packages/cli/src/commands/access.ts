// `get-acl`, `overwrite-acl`, `update-acl`, `delete-acl` and `set-owner` of pools and containers.

import { readFileSync } from 'node:fs';
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
  read(context: CommandContext, names: readonly string[]): Promise<Ownership>;
  change(context: CommandContext, names: readonly string[], body: Changes): Promise<Ownership>;
}

const ofPool: Place = {
  names: ['pool'],
  read: ({ control }, [pool = '']) => control.call('getPoolAcl', { params: { pool } }),
  change: ({ control }, [pool = ''], body) =>
    control.call('changePoolAcl', { params: { pool }, body }),
};

const ofContainer: Place = {
  names: ['pool', 'container'],
  read: ({ control }, [pool = '', container = '']) =>
    control.call('getContainerAcl', { params: { pool, container } }),
  change: ({ control }, [pool = '', container = ''], body) =>
    control.call('changeContainerAcl', { params: { pool, container }, body }),
};

interface AccessOptions {
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

function addAccess(cli: Cli, parent: Command, place: Place): void {
  const names = place.names.map((name) => `<${name}>`).join(' ');
  const command = (name: string, description: string) =>
    parent.command(`${name} ${names}`).description(description);
  const split = (parameters: unknown[]) => parameters.slice(0, place.names.length) as string[];
  const optionsOf = (parameters: unknown[]) => parameters[place.names.length] as AccessOptions;
  const changing = (changesOf: (options: AccessOptions) => Changes) =>
    cli.action(async (context, ...parameters: unknown[]) => {
      const changes = changesOf(optionsOf(parameters));
      return shown(await place.change(context, split(parameters), changes));
    });

  command('get-acl', 'shows who may do what').action(
    cli.action(async (context, ...parameters: unknown[]) =>
      shown(await place.read(context, split(parameters))),
    ),
  );
  command('overwrite-acl', 'replaces the whole list')
    .alias('replace')
    .requiredOption('-a, --acl-file <file>', 'one entry a line; lines that begin with # are notes')
    .action(changing(({ aclFile = '' }) => ({ replace: readAcl(aclFile) })));
  command('update-acl', 'adds entries, or replaces those of the same principals')
    .option('-a, --acl-file <file>', 'one entry a line')
    .option('-e, --entry <entry>', 'one entry, as A:G:staff@:rw')
    .action(changing((options) => ({ update: entriesOf(options) })));
  command('delete-acl', 'removes the entry of a principal')
    .requiredOption('-p, --principal <principal>', 'u:alice@, g:staff@, OWNER@, GROUP@, EVERYONE@')
    .action(changing(({ principal = '' }) => ({ delete: [principal] })));
  command('set-owner', 'gives it to another user or group')
    .alias('chown')
    .option('-u, --user <user>', 'as alice@')
    .option('-g, --group <group>', 'as staff@')
    .action(changing(ownerOf));
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

function shown({ owner, ownerGroup, acl }: Ownership): Output {
  const lines = [`# Owner: ${owner}`, `# Owner group: ${ownerGroup}`, ...acl];
  return {
    response: { owner, ownerGroup, acl },
    human: `${lines.join('\n')}\n`,
  };
}
