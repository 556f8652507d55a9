// `daos object`: put, get, list, list-keys, query, punch.

import { readFile, writeFile } from 'node:fs/promises';
import type { ContainerOptions, DaosObject } from '@daos/client';
import {
  DaosError,
  formatObjectId,
  makeObjectId,
  objectClassOf,
  objectTypeOf,
  parseObjectClass,
  parseObjectId,
} from '@daos/model';
import type { Command } from 'commander';
import { randomBytes } from 'node:crypto';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatFields, formatTable } from '../table.js';
import { addDump } from './check.js';
import { showKey } from './show-key.js';
import { stateOf, type SnapshotOptions } from './snapshot.js';
import { withContainer } from './with-container.js';

const AKEY_DEFAULT = 'value';
const LIST_COUNT_MAX = '1000';
const TO_WRITE: ContainerOptions = { readOnly: false };

export function addObject(cli: Cli): void {
  const object = cli.program.command('object').alias('obj').description('works on objects');
  object
    .command('put <pool> <container> <oid> <dkey> [file]')
    .description("stores a file, or standard input, as a value; 'new' as oid makes an object")
    .option('-a, --akey <akey>', 'attribute key', AKEY_DEFAULT)
    .option('-c, --oclass <class>', "object class of a new object; the container's if left out")
    .action(cli.action(putObject));
  object
    .command('get <pool> <container> <oid> <dkey> [file]')
    .description('writes a value to a file, or to standard output')
    .option('-a, --akey <akey>', 'attribute key', AKEY_DEFAULT)
    .action(cli.action(getObject));
  object
    .command('list <pool> <container>')
    .alias('ls')
    .description('lists the objects of a container')
    .option('-n, --limit <count>', 'at most so many', LIST_COUNT_MAX)
    .action(cli.action(listObjects));
  object
    .command('list-keys <pool> <container> <oid> [dkey]')
    .description('lists the dkeys of an object, or the akeys of a dkey')
    .option('-n, --limit <count>', 'at most so many', LIST_COUNT_MAX)
    .action(cli.action(listKeys));
  object
    .command('query <pool> <container> <oid>')
    .description('shows the type and class of an object, and whether it holds anything')
    .action(cli.action(queryObject));
  object
    .command('punch <pool> <container> <oid> [dkey]')
    .description('deletes an object, or a dkey of it')
    .action(cli.action(punchObject));
  addDump(cli, object);
}

export function addListObjects(cli: Cli, container: Command): void {
  container
    .command('list-objects <pool> <container>')
    .alias('list-obj')
    .description('lists the objects of a container')
    .option('-n, --limit <count>', 'at most so many', LIST_COUNT_MAX)
    .option('-e, --epc <epoch>', 'as of a snapshot, by epoch')
    .option('--snap <name>', 'as of a snapshot, by name')
    .action(cli.action(listObjects));
}

function withObject<T>(
  context: CommandContext,
  names: readonly [string, string],
  oid: string,
  action: (object: DaosObject) => Promise<T>,
  options?: ContainerOptions,
): Promise<T> {
  const id = parseObjectId(oid);
  return withContainer(context, names, (container) => action(container.object(id)), options);
}

async function putObject(
  context: CommandContext,
  pool: string,
  container: string,
  oid: string,
  dkey: string,
  file: string | undefined,
  { akey, oclass }: { akey: string; oclass?: string },
): Promise<Output> {
  const value = await readInput(file);
  const id = oid === 'new' ? newObjectId(oclass ?? (await classOf(context, pool, container))) : oid;
  const update = (object: DaosObject) => object.update(dkey, akey, value);
  const epoch = await withObject(context, [pool, container], id, update, TO_WRITE);
  return {
    response: { oid: id, dkey, akey, sizeBytes: value.byteLength, epoch },
    human: `stored ${value.byteLength} bytes in object ${id}, dkey '${dkey}', akey '${akey}'\n`,
  };
}

async function classOf({ control }: CommandContext, pool: string, container: string) {
  const { properties } = await control.call('getContainer', { params: { pool, container } });
  return properties.oclass;
}

function newObjectId(oclass: string): string {
  const user = BigInt(`0x${randomBytes(12).toString('hex')}`);
  const objectClass = parseObjectClass(oclass);
  return formatObjectId(makeObjectId({ user, type: 'MULTI_HASHED', objectClass }));
}

async function readInput(file: string | undefined): Promise<Uint8Array> {
  try {
    return await readFile(file === undefined || file === '-' ? '/dev/stdin' : file);
  } catch (error) {
    throw new DaosError('DER_INVAL', `cannot read the value: ${(error as Error).message}`);
  }
}

async function getObject(
  context: CommandContext,
  pool: string,
  container: string,
  oid: string,
  dkey: string,
  file: string | undefined,
  { akey }: { akey: string },
): Promise<Output> {
  const value = await withObject(context, [pool, container], oid, (object) =>
    object.fetch(dkey, akey),
  );
  if (!value) {
    throw new DaosError('DER_NONEXIST', `object ${oid} has no dkey '${dkey}' with akey '${akey}'`);
  }
  const response = { oid, dkey, akey, sizeBytes: value.byteLength };
  if (file === undefined || file === '-') {
    return {
      response: { ...response, value: Buffer.from(value).toString('base64') },
      human: value,
    };
  }
  await writeFile(file, value);
  return { response, human: `wrote ${value.byteLength} bytes to ${file}\n` };
}

async function listObjects(
  context: CommandContext,
  pool: string,
  container: string,
  { limit, ...named }: { limit: string } & SnapshotOptions,
): Promise<Output> {
  const { items, hasMore } = await withContainer(
    context,
    [pool, container],
    (open) => takeFirst(open.objects(), Number(limit)),
    stateOf(named),
  );
  const objects = items.map((oid) => ({
    oid: formatObjectId(oid),
    type: objectTypeOf(oid) ?? 'unknown',
    oclass: objectClassOf(oid) ?? 'unknown',
  }));
  const rows = objects.map(({ oid, type, oclass }) => [oid, type, oclass]);
  const table = rows.length > 0 ? formatTable(['Object', 'Type', 'Class'], rows) : 'no objects\n';
  return { response: { objects, hasMore }, human: table + moreText(hasMore, limit) };
}

async function listKeys(
  context: CommandContext,
  pool: string,
  container: string,
  oid: string,
  dkey: string | undefined,
  { limit }: { limit: string },
): Promise<Output> {
  const { items, hasMore } = await withObject(context, [pool, container], oid, (object) =>
    takeFirst(dkey === undefined ? object.dkeys() : object.akeys(dkey), Number(limit)),
  );
  const keys = items.map((key) => showKey(key));
  return {
    response: { keys, hasMore },
    human: keys.map((k) => `${k}\n`).join('') + moreText(hasMore, limit),
  };
}

async function queryObject(
  context: CommandContext,
  pool: string,
  container: string,
  oid: string,
): Promise<Output> {
  const { items } = await withObject(context, [pool, container], oid, (object) =>
    takeFirst(object.dkeys(), 1),
  );
  const id = parseObjectId(oid);
  const response = {
    oid,
    type: objectTypeOf(id) ?? 'unknown',
    oclass: objectClassOf(id) ?? 'unknown',
    isEmpty: items.length === 0,
  };
  const human = formatFields([
    ['Object', oid],
    ['Type', response.type],
    ['Class', response.oclass],
    ['Holds anything', response.isEmpty ? 'no' : 'yes'],
  ]);
  return { response, human };
}

async function punchObject(
  context: CommandContext,
  pool: string,
  container: string,
  oid: string,
  dkey: string | undefined,
): Promise<Output> {
  const punch = (object: DaosObject) =>
    dkey === undefined ? object.punch() : object.punchDkey(dkey);
  const epoch = await withObject(context, [pool, container], oid, punch, TO_WRITE);
  const what = dkey === undefined ? `object ${oid}` : `dkey '${dkey}' of object ${oid}`;
  return { response: { oid, dkey, epoch }, human: `deleted ${what}\n` };
}

async function takeFirst<T>(
  source: AsyncIterable<T>,
  count: number,
): Promise<{ items: T[]; hasMore: boolean }> {
  const items: T[] = [];
  for await (const item of source) {
    if (items.length >= count) return { items, hasMore: true };
    items.push(item);
  }
  return { items, hasMore: false };
}

function moreText(hasMore: boolean, limit: string): string {
  return hasMore ? `… and more than ${limit}: raise --limit\n` : '';
}
