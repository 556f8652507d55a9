// `daos container check`: reads all that a container holds, by which every checksum is compared.
// `daos object dump`: all that an object holds, key by key.

import type { Container, DaosObject } from '@daos/client';
import { formatSize } from '@daos/control/client';
import { DaosError, formatObjectId, parseObjectId } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { readObject, type ReadValue } from '../read-object.js';
import { formatTable } from '../table.js';
import { showKey } from './show-key.js';
import { stateOf, type SnapshotOptions } from './snapshot.js';
import { withContainer } from './with-container.js';

/** A value that can't be read, and why. */
interface Damage {
  readonly oid: string;
  readonly dkey: string;
  readonly akey: string;
  readonly error: string;
}

const DAMAGES_SHOWN_MAX = 100;

export function addCheck(cli: Cli, container: Command): void {
  container
    .command('check <pool> <container>')
    .description('reads all of a container, and says what is not as it was written')
    .option('-e, --epc <epoch>', 'as of a snapshot, by epoch')
    .option('--snap <name>', 'as of a snapshot, by name')
    .action(cli.action(check));
}

export function addDump(cli: Cli, object: Command): void {
  object
    .command('dump <pool> <container> <oid>')
    .description('shows all that an object holds: keys, kinds and sizes')
    .option('-e, --epc <epoch>', 'as of a snapshot, by epoch')
    .option('--snap <name>', 'as of a snapshot, by name')
    .action(cli.action(dump));
}

async function check(
  context: CommandContext,
  pool: string,
  name: string,
  options: SnapshotOptions,
): Promise<Output> {
  const counts = { objectCount: 0, valueCount: 0, bytes: 0 };
  const damages: Damage[] = [];
  const checkObject = async (object: DaosObject, oid: string) => {
    for await (const { dkey, akey, sizeBytes, error } of readObject(object, { isDataRead: true })) {
      counts.valueCount += 1;
      counts.bytes += sizeBytes;
      if (error !== undefined) {
        damages.push({ oid, dkey: showKey(dkey), akey: showKey(akey), error });
      }
    }
    counts.objectCount += 1;
    const text = `${counts.objectCount} objects, ${formatSize(counts.bytes)}`;
    context.progress.report({ count: counts.objectCount, text });
  };
  const checkAll = async (container: Container) => {
    for await (const oid of container.objects()) {
      await checkObject(container.object(oid), formatObjectId(oid));
    }
  };
  await withContainer(context, [pool, name], checkAll, stateOf(options));
  if (damages.length > 0) throw damaged(damages);
  const what = `${counts.objectCount} objects, ${counts.valueCount} values`;
  const human = `${what}, ${formatSize(counts.bytes)}: all of it is as it was written\n`;
  return { response: { ...counts, damages }, human };
}

function damaged(damages: readonly Damage[]): DaosError {
  const list = damages
    .slice(0, DAMAGES_SHOWN_MAX)
    .map(({ oid, dkey, akey, error }) => `${oid} ${dkey} ${akey}: ${error}`);
  return new DaosError('DER_CSUM', `${damages.length} values can't be read: ${list.join('; ')}`, {
    action: 'restore these values from where else you have them, or punch them',
  });
}

async function dump(
  context: CommandContext,
  pool: string,
  name: string,
  oid: string,
  options: SnapshotOptions,
): Promise<Output> {
  const id = parseObjectId(oid);
  const values: ReadValue[] = [];
  const readAll = async (container: Container) => {
    for await (const value of readObject(container.object(id), { isDataRead: false })) {
      values.push(value);
    }
  };
  await withContainer(context, [pool, name], readAll, stateOf(options));
  const shown = values.map(({ dkey, akey, ...value }) => ({
    ...{ dkey: showKey(dkey), akey: showKey(akey), ...value },
  }));
  const rows = shown.map(({ dkey, akey, kind, records, sizeBytes, error }) => [
    ...[dkey, akey, kind, records, error ?? formatSize(sizeBytes)],
  ]);
  const human =
    rows.length === 0
      ? 'nothing\n'
      : formatTable(['Dkey', 'Akey', 'Kind', 'Records', 'Size'], rows);
  return { response: { oid, values: shown }, human };
}
