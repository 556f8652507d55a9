// `daos container`: create-snap, list-snap, destroy-snap, rollback, diff.

import type { ContainerOptions, Difference } from '@daos/client';
import { dateOf, DaosError, formatObjectId } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';
import { showKey } from './show-key.js';

const DIFFERENCE_COUNT_MAX = '1000';

export interface SnapshotOptions {
  snap?: string;
  epc?: string;
  epcrange?: string;
}

export function addSnapshots(cli: Cli, container: Command): void {
  container
    .command('create-snap <pool> <container>')
    .alias('snap')
    .description('pins the present state of a container')
    .option('-s, --snap <name>', 'a name for it')
    .action(cli.action(createSnapshot));
  container
    .command('list-snap <pool> <container>')
    .aliases(['list-snaps', 'list-snapshots'])
    .description('lists the snapshots of a container')
    .action(cli.action(listSnapshots));
  const named = (name: string, description: string) =>
    container
      .command(`${name} <pool> <container>`)
      .description(description)
      .option('-s, --snap <name>', 'which one, by name')
      .option('-e, --epc <epoch>', 'which one, by epoch');
  named('destroy-snap', 'gives a snapshot up')
    .option('-r, --epcrange <range>', 'all of these epochs, as A-B')
    .action(cli.action(destroySnapshots));
  named('rollback', 'takes a container back to its latest snapshot; later data is gone').action(
    cli.action(rollback),
  );
  container
    .command('diff <pool> <container> <from> [to]')
    .description('lists what changed from one snapshot to another, or to now')
    .option('-n, --limit <count>', 'at most so many', DIFFERENCE_COUNT_MAX)
    .action(cli.action(diff));
}

/** As DAOS prints epochs. */
const shown = (epoch: string): string => `0x${BigInt(epoch).toString(16)}`;
const shownAs = (name: string | undefined, epoch: string): string =>
  name === undefined ? shown(epoch) : `${name} ${shown(epoch)}`;

/** DER_INVAL unless one of the two is given. */
export function snapshotOf({ snap, epc }: SnapshotOptions): string {
  const [name, other] = [snap ?? epc, snap === undefined ? undefined : epc];
  if (name !== undefined && other === undefined) return name;
  throw new DaosError('DER_INVAL', 'give either --snap or --epc');
}

/** How to open what is read: as of a snapshot where one is given, else as it is. */
export function stateOf(options: SnapshotOptions): ContainerOptions {
  const isNamed = options.snap !== undefined || options.epc !== undefined;
  return isNamed ? { snapshot: snapshotOf(options) } : { readOnly: true };
}

async function createSnapshot(
  { control }: CommandContext,
  pool: string,
  container: string,
  { snap }: SnapshotOptions,
): Promise<Output> {
  const body = snap === undefined ? {} : { name: snap };
  const response = await control.call('createSnapshot', { params: { pool, container }, body });
  return { response, human: `snapshot ${shownAs(snap, response.epoch)} created\n` };
}

async function listSnapshots(
  { control }: CommandContext,
  pool: string,
  container: string,
): Promise<Output> {
  const response = await control.call('listSnapshots', { params: { pool, container } });
  const rows = response.snapshots.map(({ epoch, name }) => [
    shown(epoch),
    name ?? '',
    dateOf(BigInt(epoch)).toISOString(),
  ]);
  const table = formatTable(['Epoch', 'Name', 'State of'], rows);
  return { response, human: rows.length ? table : 'no snapshots\n' };
}

async function destroySnapshots(
  { control, progress }: CommandContext,
  pool: string,
  container: string,
  { epcrange, ...options }: SnapshotOptions,
): Promise<Output> {
  const params = { pool, container };
  if (epcrange === undefined) {
    const snapshot = snapshotOf(options);
    await control.call('destroySnapshot', { params: { ...params, snapshot } });
    return { response: { ...params, snapshot }, human: `snapshot ${snapshot} destroyed\n` };
  }
  if (Object.keys(options).length > 0) {
    throw new DaosError('DER_INVAL', 'give one of --snap, --epc and --epcrange');
  }
  const [begin, end] = epochRangeOf(epcrange);
  const { snapshots } = await control.call('listSnapshots', { params });
  const epochs = snapshots
    .map(({ epoch }) => epoch)
    .filter((epoch) => BigInt(epoch) >= begin && BigInt(epoch) <= end);
  for (const [count, snapshot] of epochs.entries()) {
    const total = epochs.length;
    progress.report({ count, total, text: `${count}/${total} snapshots` });
    await control.call('destroySnapshot', { params: { ...params, snapshot } });
  }
  return { response: { ...params, epochs }, human: `${epochs.length} snapshots destroyed\n` };
}

function epochRangeOf(text: string): readonly [bigint, bigint] {
  const match = /^(0x[\da-f]+|\d+)-(0x[\da-f]+|\d+)$/i.exec(text.trim());
  const [begin, end] = [BigInt(match?.[1] ?? 1), BigInt(match?.[2] ?? 0)];
  if (match && begin <= end) return [begin, end];
  throw new DaosError('DER_INVAL', `'${text}' is not a range of epochs, as A-B`);
}

async function rollback(
  { control }: CommandContext,
  pool: string,
  container: string,
  options: SnapshotOptions,
): Promise<Output> {
  const body = { snapshot: snapshotOf(options) };
  const response = await control.call('rollbackContainer', { params: { pool, container }, body });
  return { response, human: `container ${container} is as of ${shown(response.epoch)} again\n` };
}

async function diff(
  { control, progress }: CommandContext,
  pool: string,
  container: string,
  from: string,
  to: string | undefined,
  { limit }: { limit: string },
): Promise<Output> {
  const epochOf = async (snapshot: string) =>
    BigInt((await control.getSnapshot(pool, container, snapshot)).epoch);
  const fromEpoch = await epochOf(from);
  const toEpoch = to === undefined ? undefined : await epochOf(to);
  const { Client } = await import('@daos/client');
  await using client = await Client.connect({ control });
  await using openPool = await client.openPool(pool);
  await using open = await openPool.openContainer(container, { readOnly: true });
  const found: Difference[] = [];
  for await (const difference of open.diff(fromEpoch, toEpoch)) {
    if (found.length === Number(limit)) break;
    found.push(difference);
    progress.report({ count: found.length, text: `${found.length} differences` });
  }
  const rows = found.map(({ change, oid, dkey, akey, ranges = [] }) => [
    change,
    formatObjectId(oid),
    ...[dkey, akey].map((key) => (key === undefined ? '' : showKey(key))),
    ranges.map(({ index, count }) => `${index}-${index + count - 1n}`).join(','),
  ]);
  const table = formatTable(['Change', 'Object', 'Dkey', 'Akey', 'Records'], rows);
  return {
    response: { differences: found.map(toJson) },
    human: rows.length ? table : 'nothing changed\n',
  };
}

function toJson({ change, oid, dkey, akey, ranges }: Difference): object {
  return {
    change,
    oid: formatObjectId(oid),
    ...(dkey && { dkey: showKey(dkey) }),
    ...(akey && { akey: showKey(akey) }),
    ...(ranges && { ranges: ranges.map(({ index, count }) => [index, count].map(String)) }),
  };
}
