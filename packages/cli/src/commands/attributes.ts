// `set-attr`, `get-attr`, `list-attr` and `del-attr` of pools, of containers, and of the system.

import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';
import { parseProperties } from './parse.js';

type Attributes = Record<string, string>;

interface AttributeChanges {
  set?: Attributes;
  delete?: string[];
}

/** Where attributes are: of a pool, of a container, or of the system, which has no name. */
interface Place {
  readonly names: readonly string[];
  read(context: CommandContext, names: readonly string[]): Promise<Attributes>;
  change(
    context: CommandContext,
    names: readonly string[],
    changes: AttributeChanges,
  ): Promise<Attributes>;
}

const ofPool: Place = {
  names: ['pool'],
  read: async ({ control }, [pool = '']) =>
    (await control.call('getPoolAttributes', { params: { pool } })).attributes,
  change: async ({ control }, [pool = ''], body) =>
    (await control.call('changePoolAttributes', { params: { pool }, body })).attributes,
};

const ofContainer: Place = {
  names: ['pool', 'container'],
  read: async ({ control }, [pool = '', container = '']) =>
    (await control.call('getContainerAttributes', { params: { pool, container } })).attributes,
  change: async ({ control }, [pool = '', container = ''], body) =>
    (await control.call('changeContainerAttributes', { params: { pool, container }, body }))
      .attributes,
};

const ofSystem: Place = {
  names: [],
  read: async ({ control }) => (await control.call('getSystemAttributes')).attributes,
  change: async ({ control }, _names, body) =>
    (await control.call('changeSystemAttributes', { body })).attributes,
};

export function addSystemAttributes(cli: Cli, system: Command): void {
  addAttributes(cli, system, ofSystem);
}

export function addPoolAttributes(cli: Cli, pool: Command): void {
  addAttributes(cli, pool, ofPool);
}

export function addContainerAttributes(cli: Cli, container: Command): void {
  addAttributes(cli, container, ofContainer);
}

function addAttributes(cli: Cli, parent: Command, place: Place): void {
  const names = place.names.map((name) => ` <${name}>`).join('');
  const command = (name: string, more: string, description: string) =>
    parent.command(`${name}${names}${more}`).description(description);
  const split = (parameters: unknown[]) => parameters.slice(0, place.names.length) as string[];
  const last = (parameters: unknown[]) => parameters[place.names.length] as string | undefined;

  const listing = command('list-attr', '', 'lists the names of the attributes');
  listing.option('-V, --verbose', 'with their values').aliases(['list-attrs', 'lsattr']);
  listing.action(
    cli.action(async (context, ...parameters: unknown[]) => {
      const attributes = await place.read(context, split(parameters));
      const { verbose } = parameters[place.names.length] as { verbose?: boolean };
      return verbose === true ? shown(attributes) : listed(Object.keys(attributes));
    }),
  );
  const getting = command('get-attr', ' [names]', 'shows attributes: name,name, or all');
  getting.alias('getattr').action(
    cli.action(async (context, ...parameters: unknown[]) =>
      shown(chosen(await place.read(context, split(parameters)), last(parameters))),
    ),
  );
  const setting = command('set-attr', ' <attributes>', 'sets attributes: name:value,name:value');
  setting.alias('setattr').action(
    cli.action(async (context, ...parameters: unknown[]) => {
      const set = parseProperties(last(parameters) ?? '');
      return shown(await place.change(context, split(parameters), { set }));
    }),
  );
  const deleting = command('del-attr', ' <names>', 'deletes attributes: name,name');
  deleting.alias('delattr').action(
    cli.action(async (context, ...parameters: unknown[]) => {
      const names = (last(parameters) ?? '').split(',');
      return shown(await place.change(context, split(parameters), { delete: names }));
    }),
  );
}

function chosen(attributes: Attributes, names: string | undefined): Attributes {
  if (names === undefined) return attributes;
  const entries = names.split(',').map((name) => {
    const value = attributes[name];
    if (value === undefined) throw new DaosError('DER_NONEXIST', `there is no attribute '${name}'`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

function listed(names: readonly string[]): Output {
  return {
    response: { names },
    human: names.map((name) => `${name}\n`).join('') || 'no attributes\n',
  };
}

function shown(attributes: Attributes): Output {
  const rows = Object.entries(attributes);
  const human = rows.length > 0 ? formatTable(['Attribute', 'Value'], rows) : 'no attributes\n';
  return { response: attributes, human };
}
