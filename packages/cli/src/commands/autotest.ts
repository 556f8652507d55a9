// `daos pool autotest`: whether a pool can be used from here, step by step, in a container of its
// own that goes at the end, whatever happened.

import { randomBytes } from 'node:crypto';
import type { Container, Pool } from '@daos/client';
import { DaosError, makeObjectId } from '@daos/model';
import type { Command } from 'commander';
import type { Cli, CommandContext, Output } from '../cli.js';
import { forEachParallel } from '../parallel.js';
import { formatTable } from '../table.js';

/** What one step writes, each value with a key of its own, and the next reads back. */
const LOADS = [
  { what: 'values of 128 B', count: 10_000, sizeBytes: 128 },
  { what: 'values of 4 KiB', count: 2_000, sizeBytes: 4096 },
  { what: 'values of 1 MiB', count: 16, sizeBytes: 1 << 20 },
] as const;
type Load = (typeof LOADS)[number];
/** Operations that are under way at once. */
const WIDTH = 32;

interface Step {
  readonly name: string;
  readonly seconds: number;
}

type Run = <T>(name: string, action: () => Promise<T>) => Promise<T>;

export function addAutotest(cli: Cli, pool: Command): void {
  pool
    .command('autotest <pool>')
    .description('tries a pool: makes a container, writes, reads back, and destroys it')
    .option('-S, --skip-big', 'without the values of 1 MiB')
    .action(cli.action(autotest));
}

async function autotest(
  { control, progress }: CommandContext,
  poolName: string,
  { skipBig }: { skipBig?: boolean },
): Promise<Output> {
  const steps: Step[] = [];
  const loads = LOADS.filter(({ sizeBytes }) => skipBig !== true || sizeBytes < 1 << 20);
  const total = 5 + 2 * loads.length;
  const run: Run = async (name, action) => {
    progress.report({ count: steps.length, total, text: name });
    const startedMs = performance.now();
    const result = await action();
    steps.push({ name, seconds: Math.round(performance.now() - startedMs) / 1000 });
    return result;
  };
  const { Client } = await import('@daos/client');
  await using client = await run('connect', () => Client.connect({ control }));
  await using pool = await run('open the pool', () => client.openPool(poolName));
  const label = `autotest-${randomBytes(8).toString('hex')}`;
  const params = { pool: poolName };
  await run('create a container', () =>
    control.call('createContainer', { params, body: { label } as never }),
  );
  try {
    await useContainer(pool, label, loads, run);
  } catch (error) {
    await control
      .call('destroyContainer', { params: { ...params, container: label } })
      .catch(() => {});
    throw error;
  }
  await run('destroy the container', () =>
    control.call('destroyContainer', { params: { ...params, container: label } }),
  );
  const rows = steps.map(({ name, seconds }) => [name, `${seconds.toFixed(3)} s`]);
  return { response: { steps }, human: `${formatTable(['Step', 'Time'], rows)}all went well\n` };
}

async function useContainer(
  pool: Pool,
  label: string,
  loads: readonly Load[],
  run: Run,
): Promise<void> {
  await using container = await run('open the container', () => pool.openContainer(label));
  for (const [index, load] of loads.entries()) {
    await run(`write ${load.count} ${load.what}`, () => each(container, index, load, write));
    await run(`read ${load.count} ${load.what}`, () => each(container, index, load, check));
  }
}

type Use = (
  object: ReturnType<Container['object']>,
  key: string,
  value: Buffer,
) => Promise<unknown>;

async function each(container: Container, index: number, load: Load, use: Use): Promise<void> {
  const oid = makeObjectId({ user: BigInt(index), type: 'MULTI_HASHED', objectClass: 'SX' });
  const object = container.object(oid);
  const numbers = Array.from({ length: load.count }, (_, number) => number);
  await forEachParallel(numbers, WIDTH, async (number) => {
    await use(object, String(number), valueOf(number, load.sizeBytes));
  });
}

/** Told apart by their numbers, all over. */
function valueOf(number: number, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `value ${number} `);
}

const write: Use = (object, key, value) => object.update(key, 'value', value);

const check: Use = async (object, key, value) => {
  const found = await object.fetch(key, 'value');
  if (found !== undefined && value.equals(found)) return;
  throw new DaosError('DER_IO', `what was written at key ${key} is not what is read`);
};
