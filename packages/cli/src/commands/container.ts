// `daos container`: create, destroy, list, query, get-prop, set-prop, access. `dmg container`:
// query, set-prop.

import { formatSize, parseSize, type ContainerQuery } from '@daos/control/client';
import { DaosError } from '@daos/model';
import { InvalidArgumentError, Option } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatFields, formatTable } from '../table.js';
import { addContainerAccess, addContainerOwner, ownerOf, readAcl } from './access.js';
import { addContainerAttributes } from './attributes.js';
import { addCheck } from './check.js';
import { addClone } from './clone.js';
import { addListObjects } from './object.js';
import { parseProperties, withSizes, withUnits } from './parse.js';
import { propertiesOutput } from './properties.js';
import { addSnapshots } from './snapshot.js';

export function addContainer(cli: Cli): void {
  const container = cli.program
    .command('container')
    .alias('cont')
    .description('works on containers');
  container
    .command('create <pool> <label>')
    .description('creates a container')
    .option('-t, --type <type>', 'layout: POSIX, HDF5, PYTHON, …')
    .option('-o, --oclass <class>', 'object class of objects whose maker names none, as S2')
    .option('--properties <list>', 'properties as name:value,name:value')
    .option('-z, --chunk-size <size>', 'bytes of an array in one place, as 256KiB')
    .option('-a, --attrs <list>', 'attributes as name:value,name:value')
    .option('-u, --user <user>', 'who owns it; you, when left out')
    .option('-g, --group <group>', 'which group owns it')
    .option('-A, --acl-file <file>', 'who may do what: one entry a line')
    .addOption(ofFileSystems('-p, --path <path>'))
    .addOption(ofFileSystems('-M, --mode <mode>'))
    .addOption(ofFileSystems('-d, --dir-oclass <class>'))
    .addOption(ofFileSystems('-f, --file-oclass <class>'))
    .addOption(ofFileSystems('-H, --hints <list>'))
    .action(cli.action(createContainer));
  container
    .command('destroy <pool> <container>')
    .description('destroys a container and all objects in it')
    .option('-f, --force', "as DAOS's, and no different: handles that are open keep no container")
    .action(cli.action(destroyContainer));
  container
    .command('list <pool>')
    .alias('ls')
    .description('lists the containers of a pool')
    .action(cli.action(listContainers));
  container
    .command('query <pool> <container>')
    .description('shows a container')
    .action(cli.action(queryContainer));
  container
    .command('stat <pool> <container>')
    .description('as query')
    .action(cli.action(queryContainer));
  container
    .command('get-prop <pool> <container> [names]')
    .alias('getprop')
    .description('shows the properties of a container, or those of these names')
    .action(cli.action(getProperties));
  container
    .command('set-prop <pool> <container> <properties>')
    .alias('setprop')
    .description('changes properties: label:newname')
    .action(cli.action(setProperties));
  container
    .command('evict <pool> <container>')
    .description('closes all handles of a container, and revokes what opens it')
    .action(cli.action(evictContainer));
  addListObjects(cli, container);
  addSnapshots(cli, container);
  addClone(cli, container);
  addCheck(cli, container);
  addContainerAttributes(cli, container);
  addContainerAccess(cli, container);
}

/** What only administrators may do with containers. */
export function addContainerManagement(cli: Cli): void {
  const container = cli.program
    .command('container')
    .alias('cont')
    .description('works on containers');
  container
    .command('query <pool> <container>')
    .description('shows a container: what it uses, its quota, its health')
    .action(cli.action(queryContainer));
  container
    .command('set-prop <pool> <container> <properties>')
    .alias('setprop')
    .description('changes properties: quota_bytes:10GB,quota_objects:1000,status:healthy')
    .action(cli.action(setProperties));
  addContainerOwner(cli, container);
}

/** DAOS's, refused with the reason. */
function ofFileSystems(flags: string): Option {
  return new Option(flags).hideHelp().argParser(() => {
    const name = flags.replace(/^.*(--[a-z-]+).*$/, '$1');
    const instead = name.endsWith('oclass') || name === '--hints' ? '--oclass' : '--attrs';
    throw new InvalidArgumentError(
      `${name} is about files and directories, which are not there: see ${instead}`,
    );
  });
}

async function createContainer(
  { control }: CommandContext,
  pool: string,
  label: string,
  options: {
    type?: string;
    oclass?: string;
    chunkSize?: string;
    properties?: string;
    user?: string;
    group?: string;
    aclFile?: string;
    attrs?: string;
  },
): Promise<Output> {
  const properties = {
    ...(options.properties !== undefined && withSizes(parseProperties(options.properties))),
    ...(options.type !== undefined && { layout_type: options.type }),
    ...(options.oclass !== undefined && { oclass: options.oclass.toUpperCase() }),
    ...(options.chunkSize !== undefined && { chunk_size: parseSize(options.chunkSize) }),
  };
  const response = await control.call('createContainer', {
    params: { pool },
    // The service checks names and values, and says which are wrong.
    body: {
      label,
      properties,
      ...ownerOf(options),
      ...(options.aclFile !== undefined && { acl: readAcl(options.aclFile) }),
      ...(options.attrs !== undefined && { attributes: parseProperties(options.attrs) }),
    } as never,
  });
  return { response, human: `created container ${response.label} (${response.uuid})\n` };
}

async function destroyContainer(
  { control }: CommandContext,
  pool: string,
  container: string,
): Promise<Output> {
  await control.call('destroyContainer', { params: { pool, container } });
  return { response: { pool, container }, human: `destroyed container ${container}\n` };
}

async function evictContainer(
  { control }: CommandContext,
  pool: string,
  container: string,
): Promise<Output> {
  await control.call('evictContainer', { params: { pool, container } });
  const human = `evicted all handles of container ${container}\n`;
  return { response: { pool, container }, human };
}

export async function listContainers({ control }: CommandContext, pool: string): Promise<Output> {
  const { containers } = await control.call('listContainers', { params: { pool } });
  const rows = containers.map((c) => [c.label, c.uuid, c.properties.layout_type]);
  return {
    response: { containers },
    human: rows.length ? formatTable(['Container', 'UUID', 'Layout'], rows) : 'no containers\n',
  };
}

async function queryContainer(
  { control }: CommandContext,
  pool: string,
  container: string,
): Promise<Output> {
  const response = await control.call('queryContainer', { params: { pool, container } });
  return { response, human: containerFields(response) };
}

function containerFields(container: ContainerQuery): string {
  const { usedBytes, quotaBytes, objectCount, quotaObjects } = container;
  const ofBytes = quotaBytes === undefined ? '' : ` of ${formatSize(quotaBytes)}`;
  const ofObjects = quotaObjects === undefined ? '' : ` of ${quotaObjects}`;
  return formatFields([
    ['Container', `${container.label} (${container.uuid})`],
    ['Pool', container.poolUuid],
    ['Layout', container.properties.layout_type],
    ['Health', container.health],
    ['Used', formatSize(usedBytes) + ofBytes],
    ['Objects', `${objectCount}${ofObjects}`],
    ['Snapshots', container.snapshotCount],
    ['Rolled back', `${container.generation} times`],
    ...(container.origin ? [['Cloned from', originText(container.origin)] as const] : []),
    ['Created', new Date(container.createdMs).toISOString()],
    ...(container.unreachableRanks.length
      ? [['Unreachable ranks', container.unreachableRanks.join(',')] as const]
      : []),
  ]);
}

function originText({ containerUuid, epoch }: NonNullable<ContainerQuery['origin']>): string {
  return `${containerUuid} as of 0x${BigInt(epoch).toString(16)}`;
}

async function getProperties(
  { control }: CommandContext,
  pool: string,
  container: string,
  names?: string,
): Promise<Output> {
  const params = { pool, container };
  const { label, properties, health } = await control.call('queryContainer', { params });
  const all = { label, ...properties, status: health };
  const { response } = propertiesOutput(all, names);
  return { response, human: propertiesOutput(withUnits(all), names).human };
}

async function setProperties(
  { control }: CommandContext,
  pool: string,
  container: string,
  properties: string,
): Promise<Output> {
  const params = { pool, container };
  const { label, ...others } = withSizes(parseProperties(properties));
  if (label === undefined) {
    // The service checks names and values, and says which are wrong.
    const body = others as never;
    const response = await control.call('changeContainerProperties', { params, body });
    return { response, human: `changed container ${response.label}\n` };
  }
  if (Object.keys(others).length > 0) {
    throw new DaosError('DER_INVAL', 'change the label by itself, and the others by another call');
  }
  const body = { label: String(label) };
  const response = await control.call('relabelContainer', { params, body });
  return { response, human: `container ${response.uuid} is ${response.label} now\n` };
}
