// What every operation of the control plane is given: the store, the engines, time, and new UUIDs.

import { DaosError } from '@daos/model';
import type * as z from 'zod';
import type { Clock } from './clock.js';
import type { EngineDirectory } from './engines/engine-control.js';
import type { KeyedMutex } from './keyed-mutex.js';
import type { Change, MetadataStore } from './metadata/metadata-store.js';
import type { RecordType, Stored } from './records/record.js';

export interface Log {
  info(message: string, details?: object): void;
  warn(message: string, details?: object): void;
  error(message: string, details?: object): void;
}

export interface ControlContext {
  readonly store: MetadataStore;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly newUuid: () => string;
  readonly log: Log;
  readonly capabilityLifeMs: number;
  /** Operations on one pool run one after the other. */
  readonly poolMutex: KeyedMutex;
}

export async function readRecord<S extends z.ZodObject>(
  { store }: Pick<ControlContext, 'store'>,
  type: RecordType<S>,
  key: string,
): Promise<Stored<z.infer<S>> | undefined> {
  const entry = await store.get(key);
  return entry && type.decode(entry);
}

export async function readRecords<S extends z.ZodObject>(
  { store }: Pick<ControlContext, 'store'>,
  type: RecordType<S>,
  prefix: string,
): Promise<Stored<z.infer<S>>[]> {
  const { entries } = await store.range({ prefix });
  return entries.map((entry) => type.decode(entry));
}

/** The condition that a record is still as it was read. */
export function unchanged(stored: Stored<unknown>): { key: string; modRevision: number } {
  return { key: stored.key, modRevision: stored.modRevision };
}

/**
 * Reads, changes and writes a record until no other writer came between. `change` returns undefined
 * to leave it; `besides` is written in the same transaction.
 */
export async function updateRecord<S extends z.ZodObject>(
  context: Pick<ControlContext, 'store'>,
  type: RecordType<S>,
  key: string,
  change: (fields: z.infer<S>) => z.infer<S> | undefined,
  besides: (next: z.infer<S>) => readonly Change[] = () => [],
): Promise<z.infer<S>> {
  for (;;) {
    const stored = await readRecord(context, type, key);
    if (!stored) throw new DaosError('DER_NONEXIST', `${type.name} record '${key}' is gone`);
    const next = change(stored.fields);
    if (next === undefined) return stored.fields;
    const value = type.encode(next);
    const changes = [{ put: key, value }, ...besides(next)];
    if ((await context.store.txn([unchanged(stored)], changes)).succeeded) return next;
  }
}
