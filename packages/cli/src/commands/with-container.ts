// The way from names to data: a client, a pool and a container, open for one action.

import type { Container, ContainerOptions } from '@daos/client';
import type { CommandContext } from '../cli.js';

/** With the container open: to be read, or its state as of a snapshot, unless `options` differ. */
export async function withContainer<T>(
  { control }: CommandContext,
  [pool, container]: readonly [string, string],
  action: (container: Container) => Promise<T>,
  options: ContainerOptions = { readOnly: true },
): Promise<T> {
  // Loaded for those commands alone that touch data: the others start in less than half the time.
  const { Client } = await import('@daos/client');
  await using client = await Client.connect({ control });
  await using openPool = await client.openPool(pool);
  await using openContainer = await openPool.openContainer(container, options);
  return await action(openContainer);
}
