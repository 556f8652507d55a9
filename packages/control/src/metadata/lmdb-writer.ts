// The writes of an LMDB store: all that are asked for in one turn of the event loop share one
// transaction, and so one flush.
//
// Invariant: a promise resolves when its change is on disk, and rejects when it is not.
//
// The commit blocks the event loop for as long as the flush takes. The store's own background
// writes do not, but a commit that fails there (a full disk) leaves promises behind that nobody can
// wait for, which ends the process.

import { statfsSync } from 'node:fs';
import { DaosError } from '@daos/model';
import type { RootDatabase } from 'lmdb';

interface Write {
  /** Throws before it has changed anything, or changes and returns. */
  readonly action: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export class LmdbWriter {
  readonly #root: RootDatabase;
  readonly #directory: string;
  #queue: Write[] = [];

  constructor(root: RootDatabase, directory: string) {
    this.#root = root;
    this.#directory = directory;
  }

  /** Runs `action` inside a write transaction. DER_NOSPACE, DER_IO, or its own error. */
  run<T>(action: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ action, resolve: resolve as (value: never) => void, reject });
      if (this.#queue.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Carries out what waits. */
  flush(): void {
    const writes = this.#queue;
    this.#queue = [];
    if (writes.length === 0) return;
    try {
      const run = () => writes.map(({ action }) => attempt(action));
      const outcomes = this.#root.transactionSync(run);
      for (const [index, { resolve, reject }] of writes.entries()) {
        const outcome = outcomes[index] as Outcome;
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value as never);
      }
    } catch (error) {
      const failure = storeError(error, 'write control metadata', this.#directory);
      for (const { reject } of writes) reject(failure);
    }
  }
}

function attempt(action: () => unknown): Outcome {
  try {
    return { value: action() };
  } catch (error) {
    // A store that cannot write fails the transaction, not one change alone.
    if (!DaosError.is(error)) throw error;
    return { error };
  }
}

/** LMDB's code for a map that cannot grow further. */
const MDB_MAP_FULL = -30792;
const EIO = 5;
/** With less free than this, a write of a few pages may have met the end of the disk. */
const ROOM_MIN = 1 << 20;

/** DER_NOSPACE when the disk of `directory` is full, else DER_IO; our own errors as they are. */
export function storeError(error: unknown, action: string, directory?: string): DaosError {
  if (error instanceof DaosError) return error;
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: string };
  const isFull =
    [code, errno].some((c) => c === MDB_MAP_FULL || c === 28 || c === -28 || c === 'ENOSPC') ||
    // A write that a full disk cut short is told as EIO.
    (code === EIO && directory !== undefined && freeBytes(directory) < ROOM_MIN);
  const text = `${action}: ${message ?? String(error)}`;
  if (!isFull) return new DaosError('DER_IO', text, { cause: error });
  return new DaosError('DER_NOSPACE', text, {
    cause: error,
    action: `make room on the disk of the control service's metadata`,
  });
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
