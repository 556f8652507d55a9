// `daos container clone`: a container as of a snapshot, as a new one.
//
//   1. The present state is pinned, unless a snapshot is named.
//   2. The new container has the properties and attributes of the old one, and knows where it is
//      from.
//   3. Everything is copied. When that fails the new container goes.

import { randomBytes } from 'node:crypto';
import { formatSize, type ControlClient } from '@daos/control/client';
import { DaosError } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { copyContainer, type Copied } from '../copy-container.js';
import type { Progress } from '../progress.js';

interface CloneOptions {
  src: string;
  dst: string;
  snap?: string;
}

interface Place {
  readonly pool: string;
  readonly container: string;
}

export function addClone(cli: Cli, container: Command): void {
  container
    .command('clone')
    .description('copies a container as it is, or as of a snapshot, to a new one')
    .requiredOption('-s, --src <path>', 'which one, as daos://POOL/CONTAINER')
    .requiredOption('-d, --dst <path>', 'the new one, as daos://POOL/LABEL')
    .option('--snap <snapshot>', 'as of this snapshot, by name or epoch')
    .action(cli.action(clone));
}

/** `daos://pool/container`, or with less before it. */
function placeOf(text: string): Place {
  const [, pool, container] = /^(?:daos:\/\/|\/)?([^/]+)\/([^/]+)\/?$/.exec(text) ?? [];
  if (pool !== undefined && container !== undefined) return { pool, container };
  throw new DaosError('DER_INVAL', `'${text}' is not daos://POOL/CONTAINER`);
}

async function clone(
  { control, progress }: CommandContext,
  { src, dst, snap }: CloneOptions,
): Promise<Output> {
  const [from, to] = [placeOf(src), placeOf(dst)];
  await using pinned = await pin(control, from, snap);
  const made = await createLike(control, from, to, pinned.snapshot);
  try {
    const copied = await copyAll(control, [from, pinned.snapshot], to, progress);
    const { objectCount, bytes } = copied;
    const what = `${objectCount} objects with ${formatSize(bytes)}`;
    return {
      response: { ...made, objectCount, bytes },
      human: `cloned ${what} to ${to.pool}/${to.container}\n`,
    };
  } catch (error) {
    await control.call('destroyContainer', { params: to }).catch(() => {});
    throw error;
  }
}

/** A snapshot that nobody named goes when this is disposed. */
async function pin(
  control: ControlClient,
  params: Place,
  named: string | undefined,
): Promise<{ snapshot: string } & AsyncDisposable> {
  if (named !== undefined) {
    const { epoch } = await control.getSnapshot(params.pool, params.container, named);
    return { snapshot: epoch, [Symbol.asyncDispose]: async () => {} };
  }
  const body = { name: `clone-${randomBytes(8).toString('hex')}` };
  const { epoch } = await control.call('createSnapshot', { params, body });
  return {
    snapshot: epoch,
    [Symbol.asyncDispose]: async () => {
      await control.call('destroySnapshot', { params: { ...params, snapshot: epoch } });
    },
  };
}

/** Quotas are an administrator's and stay behind. */
async function createLike(control: ControlClient, from: Place, to: Place, snapshot: string) {
  const { properties } = await control.call('getContainer', { params: from });
  const { attributes } = await control.call('getContainerAttributes', { params: from });
  const { quota_bytes: _bytes, quota_objects: _objects, ...kept } = properties;
  return await control.call('createContainer', {
    params: { pool: to.pool },
    body: { label: to.container, properties: kept, attributes, origin: { ...from, snapshot } },
  });
}

async function copyAll(
  control: ControlClient,
  [from, snapshot]: readonly [Place, string],
  to: Place,
  progress: Progress,
): Promise<Copied> {
  const { Client } = await import('@daos/client');
  await using client = await Client.connect({ control });
  await using fromPool = await client.openPool(from.pool);
  await using toPool = await client.openPool(to.pool);
  const options = { snapshot: BigInt(snapshot), readOnly: true };
  await using source = await fromPool.openContainer(from.container, options);
  await using target = await toPool.openContainer(to.container);
  return await copyContainer(source, target, ({ objectCount, bytes }) => {
    progress.report({ count: objectCount, text: `${objectCount} objects, ${formatSize(bytes)}` });
  });
}
