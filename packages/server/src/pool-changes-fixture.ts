// The life cycles that tests kill a server or a control host in: a pool and its container come,
// grow and go, as requests with an idempotency key of the test's own; and what there is of them in
// the records, in the books and in the directories of engines.

import { readdirSync } from 'node:fs';
import type { ControlClient } from '@daos/control/client';

const MIB = 2 ** 20;

export interface KeyedRequest {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** To one control host. Rejects where it answers nothing, and with whatever is no success. */
export async function sendKeyed(
  url: string,
  { method, path, body }: KeyedRequest,
  key: string,
): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: {
      'idempotency-key': key,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
}

const createPool: KeyedRequest = {
  ...{ method: 'POST', path: '/v1/pools' },
  body: { label: 'p', arenaSizePerRank: 32 * MIB, dataSizePerRank: 32 * MIB },
};
const destroyPool: KeyedRequest = { method: 'DELETE', path: '/v1/pools/p?recursive=true' };
const createContainer: KeyedRequest = {
  ...{ method: 'POST', path: '/v1/pools/p/containers' },
  body: { label: 'c' },
};
const destroyContainer: KeyedRequest = { method: 'DELETE', path: '/v1/pools/p/containers/c' };
const resizeTo = (dataSizePerRank: number): KeyedRequest => ({
  ...{ method: 'POST', path: '/v1/pools/p/resize' },
  body: { dataSizePerRank },
});

export interface Change {
  readonly name: string;
  readonly request: KeyedRequest;
  /** Take it back, so that all is as it was before it. */
  readonly undo: readonly KeyedRequest[];
  /** By the changes after it. */
  readonly isNeeded?: true;
}

/** Each begins as the one before it left things. */
export const CHANGES: readonly Change[] = [
  { name: 'a pool is created', request: createPool, undo: [destroyPool], isNeeded: true },
  {
    name: 'a container is created',
    ...{ request: createContainer, undo: [destroyContainer], isNeeded: true },
  },
  { name: 'a pool is resized', request: resizeTo(64 * MIB), undo: [resizeTo(32 * MIB)] },
  { name: 'a container is destroyed', request: destroyContainer, undo: [createContainer] },
  {
    name: 'a pool is destroyed with its container',
    ...{ request: destroyPool, undo: [createPool, createContainer] },
  },
];

/** What exists, what is free by the books, and how many files the directories of engines hold. */
export async function lookAtPools(control: ControlClient, engineDirectories: readonly string[]) {
  const { ranks } = await control.call('queryUsage');
  const { pools } = await control.call('listPools');
  const containers = [];
  const sizes = [];
  for (const { uuid } of pools) {
    const params = { pool: uuid };
    containers.push(...(await control.call('listContainers', { params })).containers);
    const { targets } = await control.call('queryPool', { params });
    sizes.push(targets.map(({ data }) => data.totalBytes));
  }
  return {
    pools: pools.map(({ label }) => label),
    containers: containers.map(({ label }) => label),
    ...{ sizes, ranks },
    files: engineDirectories.map((directory) => readdirSync(directory).length),
  };
}

export type PoolState = Awaited<ReturnType<typeof lookAtPools>>;
