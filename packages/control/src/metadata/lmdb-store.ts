// The metadata store of a single control host, on LMDB.
//
// Owner:     one process at a time; whoever opens it holds the lock of the data directory.
// Invariant: `revision` in the tables equals the revision of the newest event in `history`.
// Invariant: events are published after their transaction is durable, in revision order.
// Format:    docs/format/control_metadata.md, version 1.

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { DaosError } from '@daos/model';
import { open, type Database, type RootDatabase } from 'lmdb';
import { systemClock, type Clock } from '../clock.js';
import { checkKey, checkLeaseTtl, checkTransaction } from './limits.js';
import { checkLmdbFile } from './lmdb-file.js';
import { LmdbLeases } from './lmdb-leases.js';
import { LmdbWriter, storeError } from './lmdb-writer.js';
import type {
  Change,
  Compare,
  Lease,
  MetadataEntry,
  MetadataStore,
  RangeOptions,
  RangeResult,
  TransactionResult,
  WatchEvent,
  WatchOptions,
} from './metadata-store.js';
import { WatchQueue } from './watch-queue.js';

/** Version of the layout of the tables. */
export const LMDB_FORMAT_VERSION = 1;
/** Revisions that a watch can go back; older events are dropped as newer ones come. */
const HISTORY_REVISION_COUNT = 10_000;

/** What the `entries` table holds for a key. */
type StoredEntry = Omit<MetadataEntry, 'key'>;

export interface LmdbStoreOptions {
  /** Created when missing. */
  readonly directory: string;
  readonly clock?: Clock;
}

interface Tables {
  readonly root: RootDatabase;
  readonly entries: Database<StoredEntry, string>;
  readonly history: Database<WatchEvent[], number>;
  readonly header: Database<number, string>;
}

interface Outcome {
  readonly result: TransactionResult;
  readonly events: readonly WatchEvent[];
}

interface Watcher {
  readonly prefix: string;
  readonly queue: WatchQueue;
}

export class LmdbStore implements MetadataStore {
  readonly #writer: LmdbWriter;
  readonly #tables: Tables;
  readonly #leases: LmdbLeases;
  readonly #watchers = new Set<Watcher>();
  /** Durable but not yet published, because an earlier revision is not. */
  readonly #unpublished = new Map<number, readonly WatchEvent[]>();
  #publishedRevision: number;
  #closed = false;

  /** DER_DF_INCOMPT when another version wrote the directory, DER_DF_INVAL when it is damaged. */
  static open(options: LmdbStoreOptions): LmdbStore {
    return new LmdbStore(options);
  }

  private constructor(options: LmdbStoreOptions) {
    this.#tables = openTables(options.directory);
    this.#writer = new LmdbWriter(this.#tables.root, options.directory);
    this.#publishedRevision = this.#tables.header.get('revision') ?? 0;
    this.#leases = new LmdbLeases(this.#tables.root, options.clock ?? systemClock, (id) =>
      this.#endLease(id),
    );
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#checkOpen();
    checkKey(key);
    const stored = this.#tables.entries.get(key);
    return stored && { key, ...stored };
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    this.#checkOpen();
    const { prefix, after, limit } = options;
    const start = after !== undefined && after > prefix ? after : prefix;
    const entries: MetadataEntry[] = [];
    for (const { key, value } of this.#tables.entries.getRange({ start })) {
      if (!key.startsWith(prefix) || entries.length === limit) break;
      if (key !== after) entries.push({ key, ...value });
    }
    return { entries, revision: this.#publishedRevision };
  }

  async txn(compare: readonly Compare[], changes: readonly Change[]): Promise<TransactionResult> {
    this.#checkOpen();
    checkTransaction(compare, changes);
    return await this.#commit(() => this.#apply(compare, changes));
  }

  watch(options: WatchOptions): AsyncIterable<WatchEvent> {
    this.#checkOpen();
    const watcher: Watcher = {
      prefix: options.prefix,
      queue: new WatchQueue(() => this.#watchers.delete(watcher)),
    };
    this.#watchers.add(watcher);
    if (options.afterRevision !== undefined) this.#replay(watcher, options.afterRevision);
    const { signal } = options;
    if (signal?.aborted) watcher.queue.end();
    else signal?.addEventListener('abort', () => watcher.queue.end(), { once: true });
    return watcher.queue;
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#checkOpen();
    checkLeaseTtl(ttlMs);
    const id = randomUUID();
    await this.#writer.run(() => this.#leases.grant(id, ttlMs));
    return this.#leases.handle(id, ttlMs);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#leases.close();
    for (const watcher of [...this.#watchers]) watcher.queue.end();
    this.#writer.flush();
    await this.#tables.root.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Runs inside a write transaction: checks, then changes, so that a failed check leaves nothing to
   * undo.
   */
  #apply(compare: readonly Compare[], changes: readonly Change[]): Outcome {
    const { entries, header, history } = this.#tables;
    const current = header.get('revision') ?? 0;
    const held = compare.every((c) => (entries.get(c.key)?.modRevision ?? 0) === c.modRevision);
    if (!held) return { result: { succeeded: false, revision: current }, events: [] };
    for (const change of changes) {
      if ('put' in change && change.leaseId !== undefined) this.#leases.checkAlive(change.leaseId);
    }
    const revision = current + 1;
    const events: WatchEvent[] = [];
    for (const change of changes) {
      const event = 'put' in change ? this.#put(change, revision) : this.#delete(change, revision);
      if (event) events.push(event);
    }
    if (events.length === 0) return { result: { succeeded: true, revision: current }, events };
    history.putSync(revision, events);
    history.removeSync(revision - HISTORY_REVISION_COUNT);
    header.putSync('revision', revision);
    return { result: { succeeded: true, revision }, events };
  }

  #put(change: Extract<Change, { put: string }>, revision: number): WatchEvent {
    const { entries } = this.#tables;
    const old = entries.get(change.put);
    const stored: StoredEntry = {
      value: change.value,
      createRevision: old?.createRevision ?? revision,
      modRevision: revision,
      ...(change.leaseId !== undefined && { leaseId: change.leaseId }),
    };
    if (old?.leaseId !== undefined) this.#leases.untie(old.leaseId, change.put);
    if (change.leaseId !== undefined) this.#leases.tie(change.leaseId, change.put);
    entries.putSync(change.put, stored);
    return { type: 'put', entry: { key: change.put, ...stored } };
  }

  #delete(change: Extract<Change, { delete: string }>, revision: number): WatchEvent | undefined {
    const { entries } = this.#tables;
    const old = entries.get(change.delete);
    if (!old) return undefined;
    if (old.leaseId !== undefined) this.#leases.untie(old.leaseId, change.delete);
    entries.removeSync(change.delete);
    return { type: 'delete', key: change.delete, modRevision: revision };
  }

  async #endLease(id: string): Promise<void> {
    if (this.#closed) return;
    await this.#commit(() =>
      this.#apply(
        [],
        this.#leases.take(id).map((key) => ({ delete: key })),
      ),
    );
  }

  #replay(watcher: Watcher, afterRevision: number): void {
    const { history } = this.#tables;
    const [oldest] = history.getKeys({ limit: 1 });
    if (afterRevision < this.#publishedRevision && (oldest ?? Infinity) > afterRevision + 1) {
      watcher.queue.end(
        new DaosError('DER_STALE', `metadata revision ${afterRevision} is compacted; range again`),
      );
      return;
    }
    const missed = history.getRange({ start: afterRevision + 1, end: this.#publishedRevision + 1 });
    for (const { value } of missed) deliver(watcher, value);
  }

  #publish(revision: number, events: readonly WatchEvent[]): void {
    if (events.length === 0) return;
    this.#unpublished.set(revision, events);
    for (;;) {
      const next = this.#unpublished.get(this.#publishedRevision + 1);
      if (!next) return;
      this.#unpublished.delete(++this.#publishedRevision);
      for (const watcher of [...this.#watchers]) deliver(watcher, next);
    }
  }

  async #commit(action: () => Outcome): Promise<TransactionResult> {
    const { result, events } = await this.#writer.run(action);
    this.#publish(result.revision, events);
    return result;
  }

  #checkOpen(): void {
    if (this.#closed) throw new DaosError('DER_SHUTDOWN', 'the metadata store is closed');
  }
}

function deliver(watcher: Watcher, events: readonly WatchEvent[]): void {
  for (const event of events) {
    const key = event.type === 'put' ? event.entry.key : event.key;
    if (key.startsWith(watcher.prefix)) watcher.queue.push(event);
  }
}

function openTables(directory: string): Tables {
  try {
    mkdirSync(directory, { recursive: true });
    checkLmdbFile(directory);
    // Without overlapping sync a transaction is on disk when it returns, not merely visible.
    const root = open({ path: directory, overlappingSync: false, maxDbs: 8 });
    const header = root.openDB<number, string>({ name: 'header' });
    const found = header.get('format');
    if (found === undefined) {
      header.transactionSync(() => header.putSync('format', LMDB_FORMAT_VERSION));
    } else if (found !== LMDB_FORMAT_VERSION) {
      void root.close();
      throw new DaosError(
        'DER_DF_INCOMPT',
        `control metadata in ${directory} has format version ${found}; ` +
          `this program reads version ${LMDB_FORMAT_VERSION}`,
      );
    }
    return {
      root,
      header,
      entries: root.openDB({ name: 'entries' }),
      history: root.openDB({ name: 'history' }),
    };
  } catch (error) {
    throw storeError(error, `open control metadata in ${directory}`);
  }
}
